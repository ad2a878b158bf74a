"""Total variation across slices: the sweeps' limit against a solver that knows nothing of ADMM."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.diffusion.axial_tv import AxialDuals, AxialTv, axial_tv_sweep
from proxflow.models.diffusion.data_consistency import HardConsistency
from proxflow.models.diffusion.noise_levels import vp_levels
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.axial_difference import AxialDifference
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.finite_difference import Boundary

SHAPE = (5, 3, 2)


@pytest.fixture
def operator(rng: torch.Generator) -> MatrixOperator:
    return MatrixOperator(torch.randn(80, 30, dtype=torch.float64, generator=rng) / 10, SHAPE, (80,))


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
@pytest.mark.parametrize("shape", [(5, 3, 2), (1, 4, 3), (2, 1, 7)])
def test_difference_has_its_adjoint(
    shape: tuple[int, int, int], boundary: Boundary, rng: torch.Generator
) -> None:
    for dtype in (torch.float64, torch.complex64, torch.complex128):
        assert_adjoint(AxialDifference(shape, boundary), rng, dtype=dtype)
    ramp = torch.arange(shape[0], dtype=torch.float64)[:, None, None].expand(shape)
    found = AxialDifference(shape, boundary).forward(ramp)
    assert (found[:-1] == 1).all() and (found[-1] == (1 - shape[0] if boundary == "periodic" else 0)).all()


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_many_sweeps_reach_the_minimum(
    boundary: Boundary, operator: MatrixOperator, rng: torch.Generator
) -> None:
    """Of 1/2 ||A x - y||^2 + lam ||D x||_1, which x is if A^H (y - A x) = D^H v with |v| <= lam and v = lam
    sign(D x) where D x is not 0: v = rho u."""
    numbers = AxialTv(lam=0.3, rho=0.5, boundary=boundary)
    y = operator.forward(torch.randn(SHAPE, dtype=torch.float64, generator=rng).cumsum(0))
    b = operator.adjoint(y)
    x, duals = torch.zeros_like(b), AxialDuals(torch.zeros_like(b), torch.zeros_like(b))
    for _ in range(500):
        found, duals = axial_tv_sweep(operator, b, x, duals, numbers, n_cg=5)
        x = found.image
    difference = AxialDifference(SHAPE, boundary)
    jumps, v = difference.forward(x), numbers.rho * duals.u
    torch.testing.assert_close(b - operator.normal(x), difference.adjoint(v), atol=1e-8, rtol=0)
    assert float(v.abs().max()) <= 0.3 + 1e-9
    moved = jumps.abs() > 1e-6
    assert 0 < int(moved.sum()) < moved.numel()  # the penalty binds in some places and not in others
    torch.testing.assert_close(v[moved], 0.3 * jumps[moved].sign(), atol=1e-8, rtol=0)
    torch.testing.assert_close(found.normal, operator.normal(x))


def test_without_weight_it_is_conjugate_gradients(operator: MatrixOperator, rng: torch.Generator) -> None:
    b = operator.adjoint(torch.randn(80, dtype=torch.float64, generator=rng))
    start = torch.randn(SHAPE, dtype=torch.float64, generator=rng)
    zero = AxialDuals(torch.zeros_like(b), torch.zeros_like(b))
    numbers = AxialTv(lam=0.0, rho=1e-300)
    found, _ = axial_tv_sweep(operator, b, start, zero, numbers, n_cg=4)
    expected = HardConsistency(operator, b, n_cg=4)(start, vp_levels()[0])
    torch.testing.assert_close(found.image, expected.image)


def test_numbers_out_of_range_are_refused() -> None:
    for values, sentence in (
        ({"lam": -0.1, "rho": 1.0}, "lam must be at least 0 and rho positive, got -0.1 and 1"),
        ({"lam": 0.1, "rho": 0.0}, "lam must be at least 0 and rho positive"),
        ({"lam": 0.1, "rho": 1.0, "start": 1.5}, "start must be 0 to 1, got 1.5"),
    ):
        with pytest.raises(ValueError, match=sentence):
            AxialTv(**values)
