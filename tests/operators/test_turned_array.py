"""The difference of two scans by a turned array, against two operators and against a turned scene."""

import math

import pytest
import torch
from torch import Tensor

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.turned_array import TurnedArrayDifference
from proxflow.operators.voxel_grid import VoxelGrid

DOUBLE = torch.complex128
GRID = VoxelGrid((3, 5, 5), (0.01, 0.02, 0.02), (0.3, 0.0, 0.0))
PAIRS = torch.tensor([[0, 1], [2, 3], [1, 0], [2, 0]])
F = torch.linspace(2e9, 5e9, 4, dtype=torch.float64)
REFERENCE = torch.tensor([0.1, 0.0, -0.2, 0.05], dtype=torch.float64)


def arrays(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    return tuple(0.2 * torch.rand(n, 3, dtype=torch.float64, generator=rng) - 0.1 for n in (3, 4))  # type: ignore[return-value]


def turned(positions: Tensor, degrees: float) -> Tensor:
    x, y, z = positions.T
    angle = torch.atan2(y, x) + math.radians(degrees)
    return torch.stack([torch.hypot(x, y) * angle.cos(), torch.hypot(x, y) * angle.sin(), z], dim=1)


@pytest.mark.parametrize("amplitude", ["spreading", "none"])
def test_it_is_one_array_less_the_turned_one(amplitude: str, rng: torch.Generator) -> None:
    t, r = arrays(rng)
    numbers = {"pairs": PAIRS, "amplitude": amplitude, "reference_range_m": REFERENCE}
    operator = TurnedArrayDifference(t, r, F, GRID, turned_degrees=36, relative_permittivity=3.0, **numbers)
    x = torch.randn(2, *GRID.shape, dtype=DOUBLE, generator=rng)
    first = NearFieldMimo(t, r, F, GRID, relative_permittivity=3.0, **numbers)
    second = NearFieldMimo(turned(t, 36), turned(r, 36), F, GRID, relative_permittivity=3.0, **numbers)
    expected = first.forward(x) - second.forward(x)
    assert operator.range_shape == (4, 4)
    torch.testing.assert_close(operator.forward(x), expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(operator.normal(x), operator.adjoint(expected), rtol=1e-9, atol=1e-9)
    assert_adjoint(operator, rng)
    matrix = torch.stack(
        [operator.adjoint(unit.view(4, 4)).flatten() for unit in torch.eye(16, dtype=DOUBLE)]
    ).conj()
    torch.testing.assert_close(operator.gram(DOUBLE), matrix @ matrix.mH, rtol=1e-9, atol=1e-9)


def test_a_quarter_turn_of_the_array_is_one_of_the_scene_the_other_way(rng: torch.Generator) -> None:
    t, r = arrays(rng)
    operator = TurnedArrayDifference(t, r, F, GRID, turned_degrees=90, pairs=PAIRS)
    x = torch.randn(GRID.shape, dtype=DOUBLE, generator=rng)
    seen = torch.rot90(x, 1, (-2, -1))  # rows count y upwards, so that this is x -> -y
    alone = NearFieldMimo(t, r, F, GRID, pairs=PAIRS)
    torch.testing.assert_close(operator.forward(x), alone.forward(x) - alone.forward(seen))


def test_gains_of_antennas_keep_the_difference(rng: torch.Generator) -> None:
    t, r = arrays(rng)
    operator = TurnedArrayDifference(t, r, F, GRID, turned_degrees=36, pairs=PAIRS)
    plain = TurnedArrayDifference(t, r, F, GRID, turned_degrees=36, pairs=PAIRS, amplitude="none")
    y = torch.randn(4, 4, dtype=DOUBLE, generator=rng)
    torch.testing.assert_close(operator.with_antenna_gain(None, None).adjoint(y), plain.adjoint(y))


def test_a_turn_of_nan_is_refused(rng: torch.Generator) -> None:
    with pytest.raises(ValueError, match="turned_degrees must be finite, got nan"):
        TurnedArrayDifference(*arrays(rng), F, GRID, turned_degrees=math.nan, pairs=PAIRS)
