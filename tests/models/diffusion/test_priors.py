"""Priors that need no training: what they predict is the noise, and what they keep is the image."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from proxflow.models.denoisers.told_level import LevelTv
from proxflow.models.diffusion.fourier_wiener import FourierWiener, radial_spectrum
from proxflow.models.diffusion.noise_levels import vp_levels
from proxflow.models.diffusion.priors import DenoiserPrior, denoised
from proxflow.models.priors.total_variation import tv_prox
from proxflow.operators.fourier import ifft2c

LEVELS = vp_levels()


@pytest.mark.parametrize("shape", [(9, 7), (8, 6)])
@pytest.mark.parametrize("dtype", [torch.complex128, torch.float64])
def test_wiener_is_the_best_linear_denoiser(
    shape: tuple[int, int], dtype: torch.dtype, rng: torch.Generator
) -> None:
    """Of images drawn from its own spectrum: its error is its covariance, and no other gain has less."""
    spectrum = radial_spectrum([torch.ones(shape, dtype=torch.float64).tril()], shape, n_rings=4)
    prior, level = FourierWiener(spectrum), LEVELS[400]
    noise = torch.randn(3000, *shape, dtype=torch.complex128, generator=rng) * 2**0.5
    x = ifft2c(spectrum.sqrt() * noise)
    eps = torch.randn(x.shape, dtype=torch.complex128, generator=rng) * 2**0.5
    if not dtype.is_complex:
        x, eps = x.real, eps.real
    noisy = level.signal * x + level.noise * eps
    clean = denoised(noisy, prior(noisy, level), level)
    assert clean.dtype == dtype
    error = float((clean - x).abs().square().mean()) / (2 if dtype.is_complex else 1)
    unit = torch.zeros(shape, dtype=dtype)
    unit[0, 0] = 1
    expected = prior.covariance(unit, level)[0, 0].real
    if dtype.is_complex:
        assert error == pytest.approx(float(expected), rel=0.03)
    for gain in (0.95, 1.05):
        assert float((gain * clean - x).abs().square().mean()) > float((clean - x).abs().square().mean())


def test_spectrum_of_white_images_is_flat(rng: torch.Generator) -> None:
    images = [3 * torch.randn(32, 24, dtype=torch.complex128, generator=rng) * 2**0.5 for _ in range(20)]
    found = radial_spectrum(images, (15, 11), n_rings=6)
    assert found.shape == (15, 11)
    torch.testing.assert_close(found, torch.full_like(found, 9.0), rtol=0.15, atol=0)
    with pytest.raises(ValueError, match="spectrum must be positive"):
        FourierWiener(torch.zeros(3, 3))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_a_denoiser_becomes_a_prior(dtype: torch.dtype, rng: torch.Generator) -> None:
    level = LEVELS[100]
    x = torch.randn(2, 9, 7, dtype=dtype, generator=rng)
    clean = denoised(x, DenoiserPrior(LevelTv())(x, level), level)
    sigma = level.noise / level.signal
    parts = [x.real, x.imag] if dtype.is_complex else [x]
    expected = [tv_prox(part / level.signal, 0.7 * sigma, n_iter=50)[0] for part in parts]
    whole: Tensor = torch.complex(*expected) if dtype.is_complex else expected[0]
    torch.testing.assert_close(clean, whole)
