"""The prior that needs no training: independent Gaussian Fourier coefficients."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from proxflow.models.diffusion.noise_levels import NoiseLevel
from proxflow.operators.fourier import fft2c, ifft2c

N_RINGS = 48


class FourierWiener:
    """x_0 with independent Gaussian coefficients of the centred unitary 2-D DFT F, of variance S(k):

        E[x_0 | x_t]   = F^H [signal S / (signal^2 S + noise^2) F x]
        Cov(x_0 | x_t) = F^H [noise^2 S / (signal^2 S + noise^2) F]

    Args:
        spectrum: S, real (y, x) > 0, DC at (y // 2, x // 2); the variance of one real channel: of real
            and imaginary part of a complex image, each.

    Real images need S of k and -k alike, as ``radial_spectrum`` makes it.
    """

    def __init__(self, spectrum: Tensor) -> None:
        if not bool((spectrum > 0).all()):
            raise ValueError("spectrum must be positive")
        self.spectrum = spectrum

    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        return self._filtered(x, level.noise / self._total(level))

    def traced(self, x: Tensor, level: NoiseLevel) -> Tensor:
        """The same: see ``DifferentiablePrior``."""
        return self(x, level)

    def covariance(self, v: Tensor, level: NoiseLevel) -> Tensor:
        """Cov(x_0 | x_t) v, (n, y, x)."""
        return self._filtered(v, level.noise**2 * self.spectrum / self._total(level))

    def _total(self, level: NoiseLevel) -> Tensor:
        return level.signal**2 * self.spectrum + level.noise**2

    def _filtered(self, x: Tensor, gain: Tensor) -> Tensor:
        dtype = torch.complex128 if x.dtype in (torch.float64, torch.complex128) else torch.complex64
        found = ifft2c(gain.to(x.real.dtype) * fft2c(x.to(dtype)))
        return found if x.is_complex() else found.real


def radial_spectrum(images: Sequence[Tensor], shape: tuple[int, int], *, n_rings: int = N_RINGS) -> Tensor:
    """S(k) of one real channel: mean |F x|^2 / (2 or 1) over rings of |k|, interpolated to ``shape``.

    images: real or complex (y, x) of any size with one field of view, in the scale the sampler works in.
    Frequencies are taken in cycles per pixel; rings without samples take their neighbours' power. Power is
    floored at 1e-8 of the greatest.
    """
    return spectrum_of_rings(*ring_powers(images, n_rings), shape)


def ring_powers(images: Sequence[Tensor], n_rings: int = N_RINGS) -> tuple[Tensor, Tensor]:
    """|k| at the middle of every ring that holds samples, and the mean power of one real channel in it; see
    ``radial_spectrum``. Both float64 (ring,).
    """
    edges = torch.linspace(0, math.sqrt(0.5), n_rings + 1, dtype=torch.float64)
    power, count = torch.zeros(n_rings, dtype=torch.float64), torch.zeros(n_rings, dtype=torch.float64)
    for image in images:
        channels = 2 if image.is_complex() else 1
        energy = fft2c(image.to(torch.complex128)).abs().square() / channels
        ring = torch.bucketize(_radius(image.shape[-2:]), edges[1:-1], right=True)
        power += torch.bincount(ring.flatten(), energy.cpu().flatten(), n_rings)
        count += torch.bincount(ring.flatten(), minlength=n_rings).double()
    known = torch.nonzero(count)[:, 0]
    return 0.5 * (edges[known] + edges[known + 1]), power[known] / count[known]


def spectrum_of_rings(centres: Tensor, means: Tensor, shape: tuple[int, int]) -> Tensor:
    """S(k), float64 (y, x), from the power at |k| = ``centres``; its logarithm is interpolated."""
    floored = means.clamp_min(1e-8 * float(means.max()))
    return _interpolated(_radius(shape), centres, floored.log()).exp()


def _radius(shape: Sequence[int]) -> Tensor:
    """|k| in cycles per pixel, float64 (y, x)."""
    ky, kx = (torch.arange(n, dtype=torch.float64) / n - (n // 2) / n for n in shape)
    return torch.hypot(ky[:, None], kx)


def _interpolated(at: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Linear between ``places``, constant beyond."""
    if len(places) == 1:
        return values[0].expand(at.shape)
    index = torch.searchsorted(places, at.contiguous()).clamp(1, len(places) - 1)
    low, high = places[index - 1], places[index]
    share = ((at - low) / (high - low)).clamp(0, 1)
    return values[index - 1] + share * (values[index] - values[index - 1])
