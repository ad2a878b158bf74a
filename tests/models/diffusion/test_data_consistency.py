"""Data consistency against dense solves, and the published convergence of its conjugate gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from proxflow.models.diffusion.data_consistency import (
    ExactConsistency,
    HardConsistency,
    ProximalConsistency,
    adaptive_gamma,
)
from proxflow.models.diffusion.fourier_wiener import FourierWiener, radial_spectrum
from proxflow.models.diffusion.noise_levels import NoiseLevel, vp_levels
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.dense import MatrixOperator

LEVEL = vp_levels()[300]
N = 96


def sense(n: int, rng: torch.Generator) -> CartesianSense:
    """Eight Gaussian coils round the object, every fourth line of phase encoding and 8 % in the centre."""
    y, x = (torch.arange(n, dtype=torch.float64) - n / 2 for _ in range(2))
    maps = []
    for k in range(8):
        angle = 2 * math.pi * k / 8
        cy, cx = 0.45 * n * math.sin(angle), 0.45 * n * math.cos(angle)
        profile = torch.exp(-((y[:, None] - cy) ** 2 + (x - cx) ** 2) / (2 * (0.45 * n) ** 2))
        phase = angle + 2 * math.pi / 3 / n * (y[:, None] * math.sin(angle) + x * math.cos(angle))
        maps.append(torch.polar(profile, phase))
    stacked = torch.stack(maps)
    columns = torch.zeros(n, dtype=torch.bool)
    n_acs = int(0.08 * n)
    columns[n // 2 - n_acs // 2 : n // 2 - n_acs // 2 + n_acs] = True
    columns[torch.randint(n, (n // 4 - n_acs,), generator=rng)] = True
    return CartesianSense(columns.expand(n, n), stacked / stacked.abs().square().sum(0).sqrt())


def residual(operator: CartesianSense, b: Tensor, start: Tensor, gamma: float, n_cg: int) -> float:
    right = start + gamma * b
    x = ProximalConsistency(operator, b, gamma=gamma, n_cg=n_cg)(start, LEVEL).image
    first = gamma * (b - operator.normal(start))
    return float((right - x - gamma * operator.normal(x)).norm() / first.norm())


@pytest.mark.parametrize(
    ("gamma", "published"),
    [(1.0, (8e-2, 1.7e-2, 7.5e-4, 1.8e-4, 2.5e-5)), (5.0, (1.4e-1, 6.4e-2, 6.9e-3, 3.6e-3, 1.4e-3))],
)
def test_conjugate_gradients_converge_as_published(
    gamma: float, published: tuple[float, ...], rng: torch.Generator
) -> None:
    """Relative to the residual of the start, for a knee of 320 x 320 pixels; the object hardly matters."""
    operator = sense(N, rng)
    place = torch.linspace(-1, 1, N, dtype=torch.float64)
    truth = torch.exp(-3 * (place[:, None] ** 2 + place**2)).to(torch.complex128)
    b = operator.normal(truth)
    start = truth + 0.1 * torch.randn(truth.shape, dtype=truth.dtype, generator=rng)
    found = [residual(operator, b, start, gamma, n) for n in range(1, 6)]
    assert found == sorted(found, reverse=True)
    for value, expected in zip(found, published, strict=True):
        assert expected / 1.5 < value < 1.5 * expected, found


@pytest.fixture
def operator(rng: torch.Generator) -> MatrixOperator:
    return MatrixOperator(torch.randn(12, 20, dtype=torch.complex128, generator=rng) / 4, (5, 4), (12,))


def test_many_steps_are_the_dense_solve(operator: MatrixOperator, rng: torch.Generator) -> None:
    y = torch.randn(2, 12, dtype=torch.complex128, generator=rng)
    b, start = operator.adjoint(y), torch.randn(2, 5, 4, dtype=torch.complex128, generator=rng)
    found = ProximalConsistency(operator, b, gamma=0.7, n_cg=40)(start, LEVEL)
    n = operator.matrix.mH @ operator.matrix
    system = torch.eye(20) + 0.7 * n
    expected = torch.linalg.solve(system, (start + 0.7 * b).view(2, 20).mT).mT.view(2, 5, 4)
    torch.testing.assert_close(found.image, expected)
    torch.testing.assert_close(found.normal, operator.normal(found.image))
    hard = HardConsistency(operator, b, n_cg=40)(start, LEVEL)
    torch.testing.assert_close(operator.forward(hard.image), y, atol=1e-6, rtol=0)
    torch.testing.assert_close(hard.normal, operator.normal(hard.image))


def test_adaptive_weight_is_the_variance_that_is_left() -> None:
    gamma = adaptive_gamma(noise=0.1, spread=0.5)
    assert gamma(NoiseLevel(0, 1e-9, 1.0)) == pytest.approx(0.25 / 0.01)
    assert gamma(NoiseLevel(0, 1.0, 0.01)) == pytest.approx(1 / (4 + 1e4) / 0.01)


def test_exact_consistency_is_the_posterior_mean_of_gaussian_images(
    operator: MatrixOperator, rng: torch.Generator
) -> None:
    images = list(torch.randn(3, 5, 4, dtype=torch.complex128, generator=rng).cumsum(-1))
    prior = FourierWiener(radial_spectrum(images, (5, 4), n_rings=3))
    y = torch.randn(12, dtype=torch.complex128, generator=rng)
    clean = torch.randn(5, 4, dtype=torch.complex128, generator=rng)
    found = ExactConsistency(operator, y, prior, noise=0.2)(clean, LEVEL)
    basis = torch.eye(20, dtype=torch.complex128).view(20, 5, 4)
    c = prior.covariance(basis, LEVEL).view(20, 20).mT
    a = operator.matrix
    gain = c @ a.mH @ torch.linalg.inv(a @ c @ a.mH + 0.04 * torch.eye(12))
    expected = clean + (gain @ (y - operator.forward(clean))).view(5, 4)
    torch.testing.assert_close(found.image, expected, atol=1e-7, rtol=1e-7)
    torch.testing.assert_close(found.normal, operator.normal(found.image))
    with pytest.raises(ValueError, match="noise must be positive, got 0"):
        ExactConsistency(operator, y, prior, noise=0.0)
