import pytest
import torch

from proxflow.operators.voxel_grid import VoxelGrid


def test_positions_run_as_the_array_does() -> None:
    grid = VoxelGrid((2, 3, 4), (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    points = grid.positions().reshape(2, 3, 4, 3)
    torch.testing.assert_close(points[0, 1, 0], torch.tensor([2.55, 2.0, 0.95], dtype=torch.float64))
    torch.testing.assert_close(points[1, 2, 3], torch.tensor([3.45, 2.2, 1.05], dtype=torch.float64))


def test_bounds_are_the_outer_voxels() -> None:
    grid = VoxelGrid.from_bounds((0.35, -0.15, -0.1), (0.65, 0.15, 0.1), (49, 25, 1))
    assert grid.voxel_m == pytest.approx((0.00625, 0.0125, 0.2))
    points = grid.positions()
    torch.testing.assert_close(points.amin(0), torch.tensor([0.0, -0.15, 0.35], dtype=torch.float64))
    torch.testing.assert_close(points.amax(0), torch.tensor([0.0, 0.15, 0.65], dtype=torch.float64))


def test_distances_are_those_of_the_nearest_and_the_farthest_voxel(rng: torch.Generator) -> None:
    grid = VoxelGrid((2, 3, 4), (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    points = 4 * torch.rand(20, 3, dtype=torch.float64, generator=rng)
    apart = torch.cdist(points, grid.positions())
    nearest, farthest = grid.distances(points)
    torch.testing.assert_close(nearest, apart.amin(1))
    torch.testing.assert_close(farthest, apart.amax(1))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (((2, 3), (1.0, 1.0, 1.0)), "shape must be three positive sizes"),
        (((2, 3, 0), (1.0, 1.0, 1.0)), "shape must be three positive sizes"),
        (((2, 3, 4), (1.0, 0.0, 1.0)), "voxel_m must be three positive lengths"),
        (((2, 3, 4), (1.0, 1.0, 1.0), (0.0, float("nan"), 0.0)), "centre_m must be three finite numbers"),
    ],
)
def test_grid_refuses(arguments: tuple, sentence: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=sentence):
        VoxelGrid(*arguments)
    with pytest.raises(ValueError, match="upper_m must exceed lower_m"):
        VoxelGrid.from_bounds((0.0, 0.0, 0.0), (1.0, 0.0, 1.0), (2, 2, 2))
