"""Posterior sampling by gradients: the gradient itself, the recursion of a Gaussian prior, and symmetries."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.diffusion.fourier_wiener import FourierWiener
from proxflow.models.diffusion.guidance import guided
from proxflow.models.diffusion.network_priors import VpNetworkPrior
from proxflow.models.diffusion.noise_levels import NoiseLevel, ve_steps, vp_levels, vp_steps
from proxflow.models.diffusion.priors import denoised
from proxflow.models.methods.dps import dps
from proxflow.models.networks.diffusion_settings import SMALL
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.base import LinearOperator

MEAN, VARIANCE, MEASURED = 0.3, 0.2, 0.8
N = 40_000


class Scalar:
    """Independent pixels N(0.3, 0.2)."""

    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        total = level.signal**2 * VARIANCE + level.noise**2
        return level.noise / total * (x - level.signal * MEAN)

    def traced(self, x: Tensor, level: NoiseLevel) -> Tensor:
        return self(x, level)


class Mask(LinearOperator):
    """Every other column as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.domain_shape = self.range_shape = (N // 50, 50)
        self.columns = torch.arange(50) % 2

    def forward(self, x: Tensor) -> Tensor:
        return self.columns * x

    def adjoint(self, y: Tensor) -> Tensor:
        return self.columns * y


@pytest.mark.parametrize(
    ("process", "eta", "zeta"), [("vp", 1.0, 0.05), ("vp", 0.0, 0.05), ("ve", 0.6, 0.03), ("ve", 1.0, 0.03)]
)
def test_mean_and_variance_follow_the_recursion(process: Any, eta: float, zeta: float) -> None:
    """||A x0 - y|| of very many pixels is its mean."""
    operator, zeta = Mask(), zeta * N**0.5
    y = (MEASURED * operator.columns).double().expand(operator.range_shape)
    found = dps(operator, y, prior=Scalar(), n_iter=12, process=process, eta=eta, zeta=zeta, unit=1.0).image
    steps = ve_steps(12, eta=eta) if process == "ve" else vp_steps(12, eta=eta, rule="ddim")
    start = (0.0, steps[0].at.noise ** 2 if process == "ve" else 1.0)
    moments = [start, start]
    for step in steps:
        a, b = step.at.signal, step.at.noise
        gain = a * VARIANCE / (a**2 * VARIANCE + b**2)
        rest = (1 - gain * a) * MEAN
        p = step.signal * gain + step.kept * (1 - a * gain) / b
        q = step.signal * rest - step.kept * a * rest / b
        m, v = moments[0]
        norm = math.sqrt(N / 2 * ((gain * m + rest - MEASURED) ** 2 + gain**2 * v))
        pull = 2 * zeta * gain / norm
        moments = [
            (
                (p - pull * gain) * m + q + pull * (MEASURED - rest),
                (p - pull * gain) ** 2 * v + step.fresh**2,
            ),
            (p * moments[1][0] + q, p**2 * moments[1][1] + step.fresh**2),
        ]
    for columns, (mean, variance) in zip((1, 0), moments, strict=True):
        values = found[..., operator.columns == columns].flatten()
        n = len(values)
        assert float(values.mean()) == pytest.approx(mean, abs=5 * (variance / n) ** 0.5 + 2e-3)
        assert float(values.var()) == pytest.approx(variance, rel=5 * (2 / n) ** 0.5 + 2e-2)
    assert abs(moments[0][0] - MEASURED) < 0.5 * abs(MEAN - MEASURED)  # and the data have had their say


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("most", [1, 8])
def test_the_way_back_through_a_wiener_filter_is_itself(
    dtype: torch.dtype, most: int, rng: torch.Generator
) -> None:
    """x0 = W x / signal with W Hermitian."""
    spectrum = 0.1 + torch.rand(9, 7, dtype=torch.float64, generator=rng)
    prior, level = FourierWiener(spectrum + spectrum.flip(0, 1)), vp_levels()[300]
    x, v = torch.randn(2, 3, 9, 7, dtype=dtype, generator=rng)
    eps, pull = guided(prior, x, level, 2, most)
    torch.testing.assert_close(eps, prior(x, level))
    torch.testing.assert_close(pull(v), denoised(v, prior(v, level), level))


@pytest.mark.parametrize(
    ("dtype", "channels"), [(torch.complex64, 2), (torch.complex64, 1), (torch.float32, 1)]
)
def test_the_way_back_through_a_network_is_its_gradient(
    dtype: torch.dtype, channels: int, rng: torch.Generator
) -> None:
    torch.manual_seed(3)
    shape = replace(
        SMALL, multipliers=(1, 2), attention_factors=(), in_channels=channels, out_channels=channels
    )
    network = DiffusionUnet(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    prior, level = VpNetworkPrior(network), vp_levels()[300]
    x, v, d = torch.randn(3, 3, 6, 5, dtype=dtype, generator=rng)

    def clean(at: Tensor) -> Tensor:
        return denoised(at, prior(at, level), level)

    def product(a: Tensor, b: Tensor) -> float:
        return float((a.conj() * b).real.double().sum())

    whole = guided(prior, x, level, 2, 8)
    parts = guided(prior, x, level, 2, 2)
    step = 1e-2
    expected = (product(v, clean(x + step * d)) - product(v, clean(x - step * d))) / (2 * step)
    back = whole.pull(v)
    assert product(back, d) == pytest.approx(expected, rel=2e-2)
    torch.testing.assert_close(parts.pull(v), back, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(parts.eps, whole.eps, rtol=1e-4, atol=1e-4)
    assert not whole.eps.requires_grad and not prior(x, level).requires_grad


def sampled(scan: Any, **numbers: Any) -> Tensor:
    operator, y, prior = scan
    return dps(operator, y, prior=prior, **{"n_iter": 8, "unit": 2.0, "zeta": 0.1, **numbers}).image


def test_bad_numbers_are_told(scan: Any) -> None:
    for numbers, sentence in (
        ({"zeta": -1.0}, "zeta must be at least 0, got -1"),
        ({"n_iter": 0}, "n_steps must be 1 to 1000, got 0"),
        ({"eta": 2.0}, "eta must be 0 to 1"),
    ):
        with pytest.raises(ValueError, match=sentence):
            sampled(scan, **numbers)
    with pytest.raises(DivergenceError):
        sampled(scan, zeta=math.inf)
