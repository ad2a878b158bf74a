"""A Gaussian prior whose every step is known in closed form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from proxflow.models.diffusion.fourier_wiener import FourierWiener
from proxflow.models.diffusion.noise_levels import NoiseLevel, SamplingStep
from proxflow.operators.base import LinearOperator
from proxflow.operators.dense import MatrixOperator


class DenseGaussian:
    """x_0 ~ N(mean, C) for images of one row, (n, 1, length)."""

    def __init__(self, covariance: Tensor, mean: float = 0.0) -> None:
        self.c, self.mean = covariance, mean
        self.eye = torch.eye(len(covariance), dtype=covariance.dtype)

    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        total = level.signal**2 * self.c + level.noise**2 * self.eye
        return level.noise * torch.linalg.solve(total, (x - level.signal * self.mean).mT).mT

    def covariance(self, v: Tensor, level: NoiseLevel) -> Tensor:
        total = level.signal**2 * self.c + level.noise**2 * self.eye
        return v @ (level.noise**2 * torch.linalg.solve(total, self.c)).mT


@pytest.fixture
def exponential() -> DenseGaussian:
    """64 pixels, neighbours r apart correlate by exp(-r / 6)."""
    place = torch.arange(64, dtype=torch.float64)
    return DenseGaussian(torch.exp(-(place[:, None] - place).abs() / 6))


def _moments(
    steps: list[SamplingStep], mean: float, variance: float, gamma: float = 0.0, y: float = 0.0
) -> tuple[float, float]:
    """Mean and variance of the sampler's output for x_0 ~ N(mean, variance), denoised optimally, and measured
    as y by the proximal rule with ``gamma``, 0 for not at all."""
    first = steps[0].at
    m, v = 0.0, 1.0 if first.signal < 1 else first.noise**2
    for step in steps:
        a, b = step.at.signal, step.at.noise
        gain = a * variance / (a**2 * variance + b**2)
        rest = (1 - gain * a) * mean
        p = step.signal * gain / (1 + gamma) + step.kept * (1 - a * gain) / b
        q = step.signal * (rest + gamma * y) / (1 + gamma) - step.kept * a * rest / b
        m, v = p * m + q, p**2 * v + step.fresh**2
    return m, v


@pytest.fixture
def gaussian_moments() -> Callable[..., tuple[float, float]]:
    return _moments


@pytest.fixture
def scan(rng: torch.Generator) -> tuple[LinearOperator, Tensor, FourierWiener]:
    """Two items of six complex pixels by five, half as many measurements, and a prior."""
    matrix = torch.randn(15, 30, dtype=torch.complex128, generator=rng)
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (6, 5), (15,))
    x = torch.randn(2, 6, 5, dtype=torch.complex128, generator=rng).cumsum(-1)
    spectrum = 0.1 + torch.rand(6, 5, dtype=torch.float64, generator=rng)
    return operator, operator.forward(x), FourierWiener(spectrum)
