"""Priors as denoisers of a known noise, and the level that a noise has."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.diffusion.fourier_wiener import FourierWiener
from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.noise_levels import NoiseLevel, level_of, sigma_range, vp_levels
from proxflow.models.diffusion.prior_denoiser import PriorDenoiser
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.fourier import fft2c, ifft2c


@pytest.mark.parametrize("t", [0, 1, 321, 998, 999])
def test_the_level_of_a_trained_noise_is_that_level(t: int) -> None:
    level = vp_levels()[t]
    found = level_of(level.noise / level.signal, "vp")
    assert (found.time, found.signal, found.noise) == pytest.approx(
        (t, level.signal, level.noise), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("process", ["vp", "ve"])
def test_levels_have_the_noise_asked_for_within_what_is_known(process: Any) -> None:
    low, high = sigma_range(process)
    assert low == pytest.approx(0.01, rel=1e-4) and high == (
        378 if process == "ve" else pytest.approx(157.4, rel=1e-3)
    )
    sigmas = [low * (high / low) ** (i / 40) for i in range(41)]
    levels = [level_of(sigma, process) for sigma in sigmas]
    assert [level.noise / level.signal for level in levels] == pytest.approx(sigmas)
    assert all(one.time < other.time for one, other in pairwise(levels))
    assert level_of(low / 9, process) == level_of(low, process)
    assert level_of(9 * high, process).noise == pytest.approx(levels[-1].noise)
    with pytest.raises(ValueError, match="sigma must be positive, got 0"):
        level_of(0.0, process)


@pytest.mark.parametrize("process", ["vp", "ve"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_a_gaussian_prior_is_its_wiener_filter(
    process: Any, dtype: torch.dtype, rng: torch.Generator
) -> None:
    spectrum = 0.1 + torch.rand(9, 7, dtype=torch.float64, generator=rng)
    spectrum = spectrum + spectrum.flip(0, 1)
    x = torch.randn(5, 9, 7, dtype=dtype, generator=rng)
    denoise = PriorDenoiser(ImagePrior(FourierWiener(spectrum), process))
    expected = ifft2c(spectrum / (spectrum + 0.3**2) * fft2c(x.to(torch.complex128)))
    found = denoise(x, 0.3)
    torch.testing.assert_close(found, expected if dtype.is_complex else expected.real)
    assert torch.equal(denoise(x, 0.0), x)


def test_a_network_is_given_images_as_it_was_trained_on_them(rng: torch.Generator) -> None:
    told: list[tuple[Tensor, NoiseLevel]] = []

    def predict(x: Tensor, level: NoiseLevel) -> Tensor:
        told.append((x, level))
        return torch.ones_like(x)

    x = torch.randn(1, 4, 5, dtype=torch.float64, generator=rng)
    level = vp_levels()[200]
    found = PriorDenoiser(ImagePrior(predict))(x, level.noise / level.signal)
    torch.testing.assert_close(told[0][0], level.signal * x)
    assert told[0][1].time == pytest.approx(200)
    torch.testing.assert_close(found, x - level.noise / level.signal)


def test_what_is_no_denoiser_of_such_images_is_refused() -> None:
    two = PriorDenoiser(ImagePrior(lambda x, level: x, channels=2))
    with pytest.raises(UnsuitableError, match="denoiser must be a network of one channel for real images"):
        two(torch.zeros(1, 4, 4), 0.1)
    with pytest.raises(ValueError, match="prior must predict by itself"):
        PriorDenoiser(ImagePrior(None))
