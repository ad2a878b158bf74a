"""Networks as priors: what they are handed, and what of it comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from proxflow.models.diffusion.network_priors import (
    VeNetworkPrior,
    VpNetworkPrior,
    as_channels,
    from_channels,
)
from proxflow.models.diffusion.noise_levels import NoiseLevel, vp_levels
from proxflow.models.diffusion.priors import denoised
from proxflow.models.methods.dds import dds
from proxflow.models.networks.diffusion_settings import SMALL, Prediction
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.models.networks.ncsnpp import NCSNpp, NCSNppSettings
from proxflow.operators.dense import MatrixOperator

TINY = replace(SMALL, multipliers=(1, 2), attention_factors=())


def unet(n_channels: int, predicts: Prediction = "noise") -> DiffusionUnet:
    """Random weights, also where a new network has zeros."""
    torch.manual_seed(3)
    network = DiffusionUnet(replace(TINY, in_channels=n_channels, out_channels=n_channels, predicts=predicts))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize(
    ("dtype", "n_channels"), [(torch.complex64, 2), (torch.complex64, 1), (torch.float64, 1)]
)
def test_channels_come_back(dtype: torch.dtype, n_channels: int, rng: torch.Generator) -> None:
    x = torch.randn(3, 6, 5, dtype=dtype, generator=rng)
    channels = as_channels(x, n_channels)
    assert channels.shape[1] == n_channels
    assert torch.equal(from_channels(channels, x), x)


@pytest.mark.parametrize("time", [0, 321, 999])
def test_velocity_tells_the_same_image_whatever_the_level(time: int, rng: torch.Generator) -> None:
    """x0 = signal x - noise v, by Tweedie's formula with the noise that the prior makes of v."""
    network, level = unet(1, "velocity"), vp_levels()[time]
    x = torch.randn(2, 6, 5, generator=rng)
    with torch.no_grad():
        v = network(x[:, None], torch.full((2,), float(time)))[:, 0].double()
    noise = VpNetworkPrior(network)(x.double(), level)
    expected = level.signal * x.double() - level.noise * v
    error = denoised(x.double(), noise, level) - expected
    assert float(error.norm() / expected.norm()) < 1e-6 / level.signal  # noise is in float32


@pytest.mark.parametrize(
    ("dtype", "n_channels"), [(torch.complex64, 2), (torch.complex64, 1), (torch.float64, 1)]
)
def test_vp_prior_tells_the_network_image_and_time(
    dtype: torch.dtype, n_channels: int, rng: torch.Generator
) -> None:
    network, level = unet(n_channels), vp_levels()[321]
    x = torch.randn(2, 6, 5, dtype=dtype, generator=rng)
    found = VpNetworkPrior(network)(x, level)
    assert found.dtype == dtype and found.shape == x.shape
    parts = [x.real, x.imag] if dtype.is_complex else [x]
    with torch.no_grad():
        if n_channels == 2:
            expected = network(torch.stack(parts, 1).float(), torch.full((2,), 321.0)).unbind(1)
        else:
            expected = [network(part[:, None].float(), torch.full((2,), 321.0))[:, 0] for part in parts]
    got = [found.real, found.imag] if dtype.is_complex else [found]
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one.float(), other, atol=1e-4, rtol=1e-4)


def test_ve_prior_turns_a_score_into_noise(rng: torch.Generator) -> None:
    torch.manual_seed(5)
    network = NCSNpp(NCSNppSettings(channels=8, multipliers=(1, 2), n_blocks=1, image_size=16))
    x = 3 * torch.randn(2, 8, 12, dtype=torch.complex64, generator=rng)
    found = VeNetworkPrior(network)(x, NoiseLevel(3.0, 1.0, 3.0))
    with torch.no_grad():
        score = network.score(x.imag[:, None], torch.full((2,), 3.0))[:, 0]
    torch.testing.assert_close(found.imag, -3 * score, atol=1e-4, rtol=1e-4)


def test_a_prior_of_complex_images_refuses_real_ones() -> None:
    with pytest.raises(ValueError, match="prior must be of 1 channel for real images, got 2"):
        VpNetworkPrior(unet(2))(torch.rand(1, 6, 5), vp_levels()[0])


@pytest.mark.parametrize("mixed", [False, True])
def test_sampler_runs_with_a_network_on_sides_it_was_not_made_for(mixed: bool, rng: torch.Generator) -> None:
    matrix = torch.randn(20, 35, dtype=torch.complex64, generator=rng) / 8
    operator = MatrixOperator(matrix, (7, 5), (20,))
    y = operator.forward(torch.randn(2, 7, 5, dtype=torch.complex64, generator=rng))
    found = dds(operator, y, prior=VpNetworkPrior(unet(2), mixed=mixed), n_iter=3)
    assert found.image.shape == (2, 7, 5) and found.image.isfinite().all() and len(found.trace) == 3
