"""Sums at the points of frames: the explicit sum, its adjoint, the seam of the grid, both engines."""

from __future__ import annotations

import pytest
import torch

from proxflow.operators.frame_gridding import FrameGridding

SHAPES = [(12, 15), (33, 40), (7, 5), (1, 9)]
ERRORS = {torch.complex64: 5e-5, torch.complex128: 2e-11}
CPU = torch.device("cpu")


def points(rng: torch.Generator, n_frames: int = 3, m: int = 40) -> torch.Tensor:
    found = (torch.rand(n_frames, m, 2, generator=rng, dtype=torch.float64) - 0.5) * 2 * torch.pi
    found[:, :4] = torch.tensor([[0, 0], [-torch.pi, torch.pi], [torch.pi, 0], [0, -torch.pi]])
    return found


def explicit(where: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    ny, nx = x.shape[-2:]
    y, c = torch.arange(ny) - ny // 2, torch.arange(nx) - nx // 2
    angle = where[..., 0, None, None] * y[:, None] + where[..., 1, None, None] * c
    return torch.einsum("tmyx,tcyx->tcm", torch.polar(torch.ones_like(angle), -angle), x.to(torch.complex128))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", list(ERRORS))
def test_equals_the_explicit_sum_and_its_adjoint(
    shape: tuple[int, int], dtype: torch.dtype, rng: torch.Generator
) -> None:
    where = points(rng)
    gridding = FrameGridding(where, shape, dtype, CPU)
    x = torch.randn(3, 2, *shape, dtype=dtype, generator=rng)
    frames = slice(1, 3)
    y = gridding.sample(gridding.grids(x[1:]), frames)
    expected = explicit(where[1:], x[1:])
    assert float((y - expected).norm() / expected.norm()) < ERRORS[dtype]
    w = torch.randn(y.shape, dtype=dtype, generator=rng)
    back = gridding.images(gridding.spread(w, frames))
    difference = torch.vdot(w.flatten(), y.flatten()) - torch.vdot(back.flatten(), x[1:].flatten())
    assert abs(complex(difference)) < 1e-5 * float(y.norm() * w.norm())


def test_one_grid_serves_all_frames(rng: torch.Generator) -> None:
    gridding = FrameGridding(points(rng), (12, 15), torch.complex128, CPU)
    x = torch.randn(1, 2, 12, 15, dtype=torch.complex128, generator=rng)
    each = gridding.sample(gridding.grids(x.expand(3, -1, -1, -1)), slice(0, 3))
    torch.testing.assert_close(gridding.sample(gridding.grids(x), slice(0, 3)), each)


def test_places_and_weights_of_other_devices_are_those_of_the_kernels(rng: torch.Generator) -> None:
    """Devices without the kernels gather by flat places: the same sums, here on the CPU."""
    gridding = FrameGridding(points(rng), (12, 15), torch.complex128, CPU)
    grids = gridding.grids(torch.randn(3, 2, 12, 15, dtype=torch.complex128, generator=rng))
    found = gridding.sample(grids, slice(0, 3))
    for frame in range(3):
        places, weights = gridding._flat(gridding.tables, frame)
        gathered = (grids[frame].flatten(1)[:, places] * weights).sum(-1)
        torch.testing.assert_close(gathered, found[frame])
