"""The spectrum that first images tell: of objects as it is, of noise and aliasing not."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.diffusion.fourier_wiener import radial_spectrum
from proxflow.models.diffusion.own_spectrum import own_spectrum
from proxflow.operators.fourier import ifft2c

SHAPE = (96, 80)


def radius() -> torch.Tensor:
    ky, kx = ((torch.arange(n, dtype=torch.float64) - n // 2) / n for n in SHAPE)
    return torch.hypot(ky[:, None], kx)


def drawn(spectrum: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """A complex image whose parts have this power."""
    white = torch.randn((*SHAPE, 2), dtype=torch.float64, generator=rng)
    return ifft2c(spectrum.sqrt() * torch.view_as_complex(white))


def decibels(found: torch.Tensor, true: torch.Tensor, where: torch.Tensor) -> float:
    return float((10 * torch.log10(found / true)[where]).abs().median())


def test_a_power_law_is_found_beneath_noise(rng: torch.Generator) -> None:
    """Power that falls as k^-3 in noise that drowns it beyond a third of a cycle per pixel."""
    true = 1e-3 / radius().clamp_min(0.01) ** 3
    noise = torch.full(SHAPE, 0.05, dtype=torch.float64)
    images = [drawn(true, rng) + drawn(noise, rng) for _ in range(6)]
    drowned = radius() > 0.5
    assert decibels(radial_spectrum(images, SHAPE), true, drowned) > 7
    assert decibels(own_spectrum(images, SHAPE), true, drowned) < 3
    assert decibels(own_spectrum(images, SHAPE), true, radius() < 0.1) < 1


def test_power_that_is_missing_is_not_made_up(rng: torch.Generator) -> None:
    """Beyond half a cycle nothing was measured: the prior says so too."""
    true = torch.where(radius() < 0.4, 1e-3 / (radius() + 0.01) ** 2, 1e-9)
    found = own_spectrum([drawn(true, rng) for _ in range(6)], SHAPE)
    assert float(found[radius() > 0.45].max()) < 1e-3 * float(
        found[(radius() > 0.3) & (radius() < 0.38)].min()
    )


@pytest.mark.parametrize("shape", [(1, 9), (7, 5)])
def test_small_images_and_zeros_have_a_positive_spectrum(
    shape: tuple[int, int], rng: torch.Generator
) -> None:
    for image in (torch.randn(shape, generator=rng), torch.zeros(shape)):
        found = own_spectrum([image], shape)
        assert found.shape == shape and bool((found > 0).all())
