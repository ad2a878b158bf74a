from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from proxflow.models.priors.magnitude_prox import magnitude_prox
from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.priors.total_variation import total_variation, tv_prox


@pytest.fixture
def z(rng: torch.Generator) -> Tensor:
    z = torch.randn(3, 5, 4, 6, dtype=torch.complex128, generator=rng)
    z[0, 1, 2, 3] = 0
    return z


def tv_denoise(lam: float, n_iter: int = 3000) -> Callable[[Tensor], Tensor]:
    return lambda magnitude: tv_prox(magnitude, lam, n_axes=3, n_iter=n_iter, tol=1e-14)[0]


class Prior(NamedTuple):
    """R of magnitudes (5, 4, 6), and its proximal map."""

    penalty: Callable[[Tensor], Tensor]
    denoise: Callable[[Tensor], Tensor]


def random_smoothing(seed: int) -> Prior:
    """D = (I + L)^-1, L the Laplacian of a graph of all voxels with weights at random: non-expansive, maps
    m >= 0 to m >= 0, and is the proximal map of 1/2 m^T L m."""
    rng = torch.Generator().manual_seed(seed)
    weights = torch.rand(120, 120, dtype=torch.float64, generator=rng) ** 4
    weights = weights + weights.T
    laplacian = 0.02 * (torch.diag(weights.sum(1)) - weights)
    inverse = torch.linalg.inv(torch.eye(120, dtype=torch.float64) + laplacian)

    def penalty(m: Tensor) -> Tensor:
        flat = m.flatten()
        return 0.5 * flat @ laplacian @ flat

    return Prior(penalty, lambda m: (inverse @ m.flatten()).view(m.shape))


PRIORS = {
    "l1": Prior(lambda m: 0.4 * m.sum(), lambda m: soft_threshold(m, 0.4)),
    "tv": Prior(lambda m: 0.3 * total_variation(m, n_axes=3), tv_denoise(0.3)),
    "random, 1": random_smoothing(1),
    "random, 2": random_smoothing(2),
}


def test_l1_is_the_complex_soft_threshold(z: Tensor) -> None:
    found = magnitude_prox(z, lambda m: (m - 0.4).clamp_min(0))
    torch.testing.assert_close(found, soft_threshold(z, 0.4), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
def test_optimality_inequality(prior: Prior, z: Tensor, rng: torch.Generator) -> None:
    """F(p) = R(|p|) + 1/2 ||p - z||^2 of a convex R is F(x) + 1/2 || |p| - |x| ||^2 at least, for every p."""
    z = z[0]
    x = magnitude_prox(z, prior.denoise)

    def objective(s: Tensor) -> float:
        return float(prior.penalty(s.abs()) + 0.5 * (s - z).abs().square().sum())

    best = objective(x)
    for size in (1e-4, 1e-2, 0.1, 1.0, 10.0):
        for _ in range(10):
            change = size * torch.randn(z.shape, dtype=z.dtype, generator=rng)
            for other in (x + change, x * torch.exp(1j * change.real), x * (1 + change.real), change):
                away = 0.5 * float((other.abs() - x.abs()).square().sum())
                assert objective(other) >= best + away - 1e-8
    assert best < objective(z) and best < objective(torch.zeros_like(z))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_random_denoiser_is_non_expansive(seed: int, rng: torch.Generator) -> None:
    a, b = torch.rand(2, 5, 4, 6, dtype=torch.float64, generator=rng)
    found = [random_smoothing(seed).denoise(m) for m in (a, b)]
    assert all(m.min() >= 0 for m in found)
    assert 0.1 * (a - b).norm() < (found[0] - found[1]).norm() < (a - b).norm()


def test_it_is_exact_for_a_prior_that_is_neither_convex_nor_separable(rng: torch.Generator) -> None:
    """R counts the planes that are not empty: of all 2^5 choices of planes the best is found."""
    z = torch.randn(5, 4, 6, dtype=torch.complex128, generator=rng) * torch.linspace(0.3, 2, 5)[:, None, None]
    weight = 20.0

    def denoise(magnitude: Tensor) -> Tensor:
        return magnitude * (magnitude.square().sum((1, 2), keepdim=True) > 2 * weight)

    def objective(s: Tensor) -> float:
        planes = (s.abs().amax((1, 2)) > 0).sum()
        return float(weight * planes + 0.5 * (s - z).abs().square().sum())

    x = magnitude_prox(z, denoise)
    kept = [torch.tensor(choice)[:, None, None] * z for choice in product((0.0, 1.0), repeat=5)]
    assert objective(x) == pytest.approx(min(map(objective, kept)), rel=1e-12)
    assert 0 < int((x.abs().amax((1, 2)) > 0).sum()) < 5
    turned = z * torch.exp(1j * torch.rand(z.shape, dtype=torch.float64, generator=rng))
    assert objective(x) < min(objective(part * turned / z) for part in kept[1:])


def test_no_perturbation_lowers_the_tv_objective(z: Tensor, rng: torch.Generator) -> None:
    z, alpha = z[0], 0.3
    x = magnitude_prox(z, tv_denoise(alpha))

    def objective(s: Tensor) -> float:
        misfit = (s - z).abs().square().sum()
        return float(alpha * total_variation(s.abs(), n_axes=3) + 0.5 * misfit)

    best = objective(x)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(20):
            change = torch.randn(z.shape, dtype=z.dtype, generator=rng)
            assert objective(x + size * change) > best - 1e-9
            assert objective(x * torch.exp(1j * size * change.real)) > best - 1e-9
    assert best < objective(z) and best < objective(torch.zeros_like(z))


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
def test_phases_pass_through_voxel_by_voxel(prior: Prior, z: Tensor, rng: torch.Generator) -> None:
    z = z[0]
    phase = torch.exp(6.28j * torch.rand(z.shape, dtype=torch.float64, generator=rng))
    turned, expected = (magnitude_prox(part, prior.denoise) for part in (z * phase, z))
    seen = z.abs() > 0  # a zero has no phase to pass on
    torch.testing.assert_close(turned[seen], (expected * phase)[seen])


def test_zero_has_phase_zero_and_negative_values_are_clipped(z: Tensor) -> None:
    raised = magnitude_prox(z, lambda m: m + 1)
    assert raised[0, 1, 2, 3] == 1 and raised.isfinite().all()
    assert not magnitude_prox(z, lambda m: -m).abs().any()
    tiny = torch.full((2,), 1e-42j, dtype=torch.complex64)
    assert magnitude_prox(tiny, lambda m: m).isfinite().all()
    assert magnitude_prox(tiny, lambda m: m).dtype == torch.complex64
