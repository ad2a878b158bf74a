"""The simulated array of Oral & Oktem (2024): its constants, and what one scatterer gives."""

import math

import pytest
import torch

from proxflow.models.methods.back_projection import back_projection
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.mills_cross import mills_cross
from proxflow.operators.operator_norm import operator_norm

DOUBLE = torch.complex128


def test_point_scatterer_and_where_the_adjoint_peaks() -> None:
    operator = mills_cross(10)
    x = torch.zeros(operator.domain_shape, dtype=DOUBLE)
    x[20, 7, 15] = torch.exp(torch.tensor(0.7j, dtype=DOUBLE))
    y = operator.forward(x)
    index = (20 * 25 + 7) * 25 + 15
    point = operator.grid.positions()[index]
    torch.testing.assert_close(point, torch.tensor([0.0375, -0.0625, 0.475], dtype=torch.float64))
    d_t, d_r = (point - operator.transmitters_m).norm(dim=-1), (point - operator.receivers_m).norm(dim=-1)
    k = 2 * math.pi * operator.frequencies_hz / 299_792_458
    path, gain = d_t[:, None] + d_r, 1 / (4 * math.pi * d_t[:, None] * d_r)
    expected = gain * torch.exp(-1j * (k[:, None, None] * path - 0.7))
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    uniform = operator.with_antenna_gain(None, None)
    assert int(uniform.adjoint(uniform.forward(x)).abs().argmax()) == index
    assert int(back_projection(operator, y).image.abs().argmax()) == index
    focus = operator.adjoint(y)
    assert int(focus.abs().argmax()) == index  # spreading favours near voxels: not so for one far off, aside
    assert focus.flatten()[index].angle().item() == pytest.approx(0.7)


@pytest.mark.parametrize(("dtype", "tolerance"), [(DOUBLE, 1e-12), (torch.complex64, 1e-6)])
def test_adjoint_of_the_paper(dtype: torch.dtype, tolerance: float, rng: torch.Generator) -> None:
    assert_adjoint(mills_cross(15), rng, dtype=dtype, tolerance=tolerance)


@pytest.mark.parametrize(
    ("n_frequencies", "compression"),
    [(5, 2.55), (10, 5.09), (15, 7.64), (20, 10.19), (30, 15.28), (40, 20.38)],
)
def test_measurements_of_the_paper(n_frequencies: int, compression: float) -> None:
    operator = mills_cross(n_frequencies)
    ratio = math.prod(operator.range_shape) / math.prod(operator.domain_shape)
    assert operator.range_shape == (n_frequencies, 12, 13)
    assert 100 * ratio == pytest.approx(compression, abs=0.005)


def test_norm_of_the_paper() -> None:
    assert operator_norm(mills_cross(15), n_iter=12) ** 2 == pytest.approx(3.87e4, rel=0.01)


def test_antennas_lie_on_the_diagonals_whatever_the_voxels() -> None:
    operator = mills_cross(5, (12, 8, 6))
    t, r = operator.transmitters_m, operator.receivers_m
    assert t.shape == (12, 3) and r.shape == (13, 3) and not t[:, 2].any() and not r[:, 2].any()
    torch.testing.assert_close(t[:, 0], -t[:, 1])
    torch.testing.assert_close(r[:, 0], r[:, 1])
    assert t[0].tolist() == [-0.15, 0.15, 0] and r[-1].tolist() == [0.15, 0.15, 0]
    assert operator.frequencies_hz.tolist() == [4e9, 7e9, 10e9, 13e9, 16e9]
    points = operator.grid.positions()
    torch.testing.assert_close(points.amin(0), torch.tensor([-0.15, -0.15, 0.35], dtype=torch.float64))
    torch.testing.assert_close(points.amax(0), torch.tensor([0.15, 0.15, 0.65], dtype=torch.float64))
    with pytest.raises(ValueError, match="n_frequencies must be at least 2"):
        mills_cross(1)
