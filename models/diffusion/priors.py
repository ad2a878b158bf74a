"""Diffusion priors: what they are to the sampler, and denoisers in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from proxflow.models.diffusion.noise_levels import NoiseLevel


class DiffusionPrior(Protocol):
    """eps, the noise in images x_t = signal x_0 + noise eps, as far as the prior can tell.

    x: real or complex (n, *domain), every item by itself; complex noise has unit variance in each part.
    Returns the shape and dtype of x.
    """

    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor: ...


@runtime_checkable
class DifferentiablePrior(DiffusionPrior, Protocol):
    """A prior whose gradient with respect to x autograd can find."""

    def traced(self, x: Tensor, level: NoiseLevel) -> Tensor:
        """As calling it, on autograd's graph where x is."""


class GaussianPrior(DiffusionPrior, Protocol):
    """A prior under which x_0 given x_t is Gaussian with a covariance that is known."""

    def covariance(self, v: Tensor, level: NoiseLevel) -> Tensor:
        """Cov(x_0 | x_t) v, v as x; of complex x, that of each part."""


def denoised(x: Tensor, eps: Tensor, level: NoiseLevel) -> Tensor:
    """Tweedie's formula, E[x_0 | x_t] = (x - noise eps) / signal, not clipped."""
    return (x - level.noise * eps) / level.signal


class DenoiserPrior:
    """eps = (x - signal D(x / signal, noise / signal)) / noise, for any denoiser D told the noise's std.

    D takes real images (n, *domain); complex ones are denoised in real and imaginary part.
    """

    def __init__(self, denoise: Callable[[Tensor, float], Tensor]) -> None:
        self.denoise = denoise

    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        images, sigma = x / level.signal, level.noise / level.signal
        if x.is_complex():
            parts = torch.cat([images.real, images.imag])
            real, imag = self.denoise(parts, sigma).chunk(2)
            clean = torch.complex(real, imag)
        else:
            clean = self.denoise(images, sigma)
        return (x - level.signal * clean) / level.noise
