"""Starts of the bilinear methods and their number of functions."""

import pytest
import torch
from torch import Tensor

from proxflow.models.dynamic.polynomial_start import polynomial_knots, polynomial_start
from proxflow.models.dynamic.start_factors import start_factors
from proxflow.models.dynamic.start_values import balanced, resized
from proxflow.models.dynamic.temporal_bases import BasisKind, temporal_basis
from proxflow.operators.frame_operator import FrameOperator

N_FRAMES, SHAPE = 16, (5, 4)


class DenseSeries(FrameOperator):
    """A random matrix per frame; views are its rows."""

    def __init__(self, matrices: Tensor) -> None:
        n_views = matrices.shape[1]
        super().__init__(torch.ones(N_FRAMES, n_views, dtype=torch.bool), SHAPE, (n_views,))
        self.register_buffer("matrices", matrices)

    def spread(self, mask: Tensor) -> Tensor:
        return mask

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames] @ x.flatten(1)[..., None])[..., 0]

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames].mH @ y[..., None])[..., 0].unflatten(-1, SHAPE)


def object_of_rank(rank: int, basis: Tensor, dtype: torch.dtype, rng: torch.Generator) -> Tensor:
    knots = torch.randn(basis.shape[1], rank, generator=rng, dtype=torch.float64)
    spatial = torch.randn(rank, *SHAPE, generator=rng, dtype=dtype)
    return torch.einsum("tk,kyx->tyx", (basis @ knots).to(dtype), spatial)


def series_of(start_spatial: Tensor, knots: Tensor, basis: Tensor) -> Tensor:
    return torch.einsum("tk,kyx->tyx", basis.to(knots.dtype) @ knots, start_spatial)


@pytest.fixture
def basis() -> Tensor:
    return temporal_basis("spline", N_FRAMES, 6)


@pytest.mark.parametrize("kind", ["spline", "dct", "free", "linear"])
def test_polynomials_are_orthonormal_and_span_the_low_degrees(kind: BasisKind) -> None:
    u = temporal_basis(kind, N_FRAMES, 6)
    psi = u @ polynomial_knots(u, 2)
    torch.testing.assert_close(psi.T @ psi / N_FRAMES, torch.eye(2, dtype=torch.float64))
    line = torch.linspace(-1, 1, N_FRAMES, dtype=torch.float64)[:, None]
    left = line - psi @ (psi.T @ line) / N_FRAMES
    assert left.norm() < (0.05 if kind == "dct" else 1e-12) * line.norm()  # cosines have no slope at the ends


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_least_squares_of_a_known_time_course_is_exact(dtype: torch.dtype, rng: torch.Generator) -> None:
    """With Psi right and enough views, Lambda is what conjugate gradients converge to."""
    u = temporal_basis("spline", N_FRAMES, 6)
    psi = u @ polynomial_knots(u, 2)
    x = torch.einsum("tk,kyx->tyx", psi.to(dtype), torch.randn(2, *SHAPE, generator=rng, dtype=dtype))
    operator = DenseSeries(torch.randn(N_FRAMES, 6, 20, generator=rng, dtype=dtype))
    start = polynomial_start(operator, operator.forward(x), u, 2, n_iter=100)
    torch.testing.assert_close(series_of(start.spatial, start.knots, u), x, rtol=1e-7, atol=1e-7)
    assert start.spatial.dtype == start.knots.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_balanced_is_the_singular_value_decomposition(
    dtype: torch.dtype, basis: Tensor, rng: torch.Generator
) -> None:
    spatial = torch.randn(3, *SHAPE, generator=rng, dtype=dtype)
    knots = torch.randn(6, 3, generator=rng, dtype=torch.float64).to(dtype)
    found = balanced(spatial, knots, basis)
    x = series_of(spatial, knots, basis)
    torch.testing.assert_close(series_of(found.spatial, found.knots, basis), x)
    psi = basis.to(dtype) @ found.knots
    assert not psi.is_complex() or not psi.imag.any()
    torch.testing.assert_close(psi.mH @ psi, torch.eye(3, dtype=dtype))
    rows = x.flatten(1).mT
    rows = torch.cat([rows.real, rows.imag]) if dtype.is_complex else rows
    values = torch.linalg.svdvals(rows)[:3]
    torch.testing.assert_close(found.spatial.flatten(1).norm(dim=1), values)
    assert (psi.real.sum(0) > 0).all()


def test_resized_keeps_the_object_and_adds_small_functions(basis: Tensor, rng: torch.Generator) -> None:
    start = balanced(
        torch.randn(3, *SHAPE, generator=rng, dtype=torch.float64),
        torch.randn(6, 3, generator=rng, dtype=torch.float64),
        basis,
    )
    more = resized(start, basis, 5, seed=0)
    psi = basis @ more.knots
    wanted = torch.diag(torch.tensor([1.0, 1, 1, 0.01, 0.01], dtype=torch.float64))
    torch.testing.assert_close(psi.T @ psi, wanted)
    assert torch.equal(more.spatial[:3], start.spatial) and not more.spatial[3:].any()
    assert torch.equal(resized(start, basis, 5, seed=0).knots, more.knots)
    fewer = resized(start, basis, 2, seed=0)
    assert torch.equal(fewer.spatial, start.spatial[:2]) and torch.equal(fewer.knots, start.knots[:, :2])
    with pytest.raises(ValueError, match=r"n_functions must be in 1 .. 6, the number of knots, got 7"):
        resized(start, basis, 7, seed=0)


def test_start_factors_have_the_number_asked_for(basis: Tensor, rng: torch.Generator) -> None:
    operator = DenseSeries(torch.randn(N_FRAMES, 12, 20, generator=rng, dtype=torch.complex128) / 8)
    y = operator.forward(object_of_rank(2, basis, torch.complex128, rng))
    given = start_factors(operator, y, basis=basis, n_functions=4, kind="polynomial", seed=0)
    assert given.knots.shape == (6, 4) and given.spatial.shape == (4, *SHAPE)


def test_start_factors_refuse_what_they_cannot_do(basis: Tensor, rng: torch.Generator) -> None:
    operator = DenseSeries(torch.randn(N_FRAMES, 3, 20, generator=rng, dtype=torch.float64))
    y = torch.zeros(operator.range_shape, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"n_functions must be in 1 .. 6, the number of knots, got 7"):
        start_factors(operator, y, basis=basis, n_functions=7, kind="polynomial", seed=0)
    with pytest.raises(TypeError, match="operator must be FrameProjections for ProSep, got DenseSeries"):
        start_factors(operator, y, basis=basis, n_functions=2, kind="prosep", seed=0)
