"""The start from the series of least nuclear norm: its closed form, and the span of the basis."""

import pytest
import torch
from torch import Tensor

from proxflow.models.dynamic.low_rank_start import WEIGHT, least_nuclear_norm, low_rank_start
from proxflow.models.dynamic.temporal_bases import BasisKind, temporal_basis
from proxflow.models.priors.singular_values import singular_value_threshold
from tests.models.dynamic.conftest import SHAPE, DenseFrames

T, PIXELS = 8, SHAPE[0] * SHAPE[1]


def orthogonal_frames(dtype: torch.dtype, rng: torch.Generator) -> DenseFrames:
    """A_t^H A_t = I: every frame is measured completely."""
    matrices = torch.linalg.qr(torch.randn(T, PIXELS, PIXELS, dtype=dtype, generator=rng))[0]
    return DenseFrames(matrices, torch.ones(T, 1, dtype=torch.bool))


def product(spatial: Tensor, knots: Tensor, basis: Tensor) -> Tensor:
    return torch.einsum("tk,kyx->tyx", basis.to(knots.dtype) @ knots, spatial)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_of_complete_frames_it_is_the_thresholded_series(dtype: torch.dtype, rng: torch.Generator) -> None:
    operator = orthogonal_frames(dtype, rng)
    x = torch.randn(T, *SHAPE, dtype=dtype, generator=rng)
    a = WEIGHT * float(torch.linalg.svdvals(x.flatten(1))[0])
    wanted = singular_value_threshold(x.flatten(1), a)[0].reshape(x.shape)
    torch.testing.assert_close(least_nuclear_norm(operator, operator.forward(x)), wanted)
    basis = temporal_basis("free", T, T)
    found = low_rank_start(operator, operator.forward(x), basis, T)
    torch.testing.assert_close(product(found.spatial, found.knots, basis), wanted)
    assert found.spatial.dtype == found.knots.dtype == dtype


@pytest.mark.parametrize("kind", ["spline", "dct", "linear"])
def test_its_functions_are_the_leading_ones_in_the_span_of_the_basis(
    kind: BasisKind, rng: torch.Generator
) -> None:
    operator, basis = orthogonal_frames(torch.float64, rng), temporal_basis(kind, T, 5)
    x = torch.randn(T, *SHAPE, dtype=torch.float64, generator=rng)
    found = low_rank_start(operator, operator.forward(x), basis, 3)
    outer = torch.linalg.qr(basis)[0]
    low = singular_value_threshold(x.flatten(1), WEIGHT * float(torch.linalg.svdvals(x.flatten(1))[0]))[0]
    left, s, right = torch.linalg.svd(outer @ outer.T @ low, full_matrices=False)
    wanted = (left[:, :3] * s[:3]) @ right[:3]
    torch.testing.assert_close(product(found.spatial, found.knots, basis).flatten(1), wanted)
    psi = basis @ found.knots
    torch.testing.assert_close(psi.T @ psi, torch.eye(3, dtype=torch.float64))


def test_it_finds_a_jump_in_time_that_polynomials_miss(rng: torch.Generator) -> None:
    """Half of the views of every frame, two images, one of which appears at once."""
    matrices = torch.linalg.qr(torch.randn(T, PIXELS, PIXELS, dtype=torch.float64, generator=rng))[0]
    mask = torch.rand(T, PIXELS, generator=rng) < 0.6
    operator = DenseFrames(matrices, mask)
    images = torch.randn(2, *SHAPE, dtype=torch.float64, generator=rng)
    x = images[0] + (torch.arange(T) >= 5)[:, None, None] * images[1]
    series = least_nuclear_norm(operator, operator.forward(x), n_iter=1000)
    assert (series - x).norm() < 0.05 * x.norm()
