"""A learned proximal operator applied to an iterate in its own unit, real or complex."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.learned_prox.evaluated import LearnedProx
from proxflow.models.learned_prox.supported_prox import SupportedProx
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.priors.magnitude_prox import magnitude_prox
from proxflow.models.solvers.inner_product import inner, over_image, squared_norm


class ProxStep(NamedTuple):
    """x = prox(v), (*batch, *domain); numbers are float64 (*batch)."""

    image: Tensor
    prior: Tensor  # c^2 R(x / c), NaN where there is no R
    clipped: Tensor  # || min(f(|v|), 0) ||^2 of complex images by magnitude, which R is not told; else 0


class ImageProx:
    """c f(v / c) of an iterate v whose unit is c: the proximal operator of c^2 R(x / c), whose value at x is
    free of cost, <x, v> - 1/2 ||x||^2 - c^2 psi(v / c).

    Real images with a network of one channel, colour images (3, y, x) and no others with one of three.
    Complex images: with two channels, (real part, imaginary part), exactly; with one, f(|v|) exp(i arg v),
    ``magnitude_prox``, exact as long as f(|v|) is not negative, which ``clipped`` tells. Volumes slice by
    slice: R is a sum.

    Outside the support v and x are 0, by ``SupportedProx``.

    Args:
        unit: what is 1 to f, in the unit of v, float64 (*batch).
        support: bool (*domain), or None for all.

    Raises UnsuitableError where the network is not for such images.
    """

    def __init__(self, prox: LearnedProx, unit: Tensor, support: Tensor | None = None) -> None:
        self.prox, self.unit, self.support = prox, unit, support

    def __call__(self, v: Tensor) -> ProxStep:
        scaled = v / over_image(self.unit, v)
        channels = self.prox.channels
        if not v.is_complex() and channels in (1, 3):
            self._check_colours(v, channels)
            found = self._real(self.prox_of(v), scaled.reshape(-1, channels, *v.shape[-2:]))
        elif v.is_complex() and channels == 2:
            parts = torch.view_as_real(scaled).reshape(-1, *v.shape[-2:], 2).movedim(-1, 1)
            image, *numbers = self._real(self.prox_of(v), parts)
            found = ProxStep(torch.complex(image[:, 0].contiguous(), image[:, 1].contiguous()), *numbers)
        elif v.is_complex() and channels == 1:
            found = self._magnitude(self.prox_of(v), scaled.reshape(-1, *v.shape[-2:]))
        else:
            kind = "complex" if v.is_complex() else "real"
            raise UnsuitableError(f"prox must be for {kind} images, got a network of {channels} channels")
        return self._back(found, v)

    def prox_of(self, v: Tensor) -> LearnedProx:
        """f of what the network sees of iterates as ``v``, one image a slice: with the support, if any."""
        if self.support is None:
            return self.prox
        channels = 1 if v.is_complex() else self.prox.channels
        return SupportedProx(self.prox, self.support.expand(v.shape).reshape(-1, channels, *v.shape[-2:]))

    def _check_colours(self, v: Tensor, channels: int) -> None:
        size = tuple(v.shape[self.unit.ndim :])
        if channels == 3 and size[:-2] != (3,):
            raise UnsuitableError(f"prox must be for images {size}, got a network of colour images (3, y, x)")

    def _real(self, prox: LearnedProx, v: Tensor) -> ProxStep:
        x, psi = prox.evaluated(v)
        prior = prior_value(x, v, psi)
        return ProxStep(x, prior, torch.zeros_like(prior))

    def _magnitude(self, prox: LearnedProx, v: Tensor) -> ProxStep:
        found: list[ProxStep] = []

        def shrunk(modulus: Tensor) -> Tensor:
            x, prior, _ = self._real(prox, modulus[:, None])
            found.append(ProxStep(x[:, 0], prior, squared_norm(x.clamp_max(0), 3)))
            return found[0].image

        image = magnitude_prox(v, shrunk)
        return found[0]._replace(image=image)

    def _back(self, found: ProxStep, v: Tensor) -> ProxStep:
        """Of every slice, in the network's unit, to ``v``'s shape and unit, summed over slices."""
        x = found.image.reshape(v.shape) * over_image(self.unit, v)
        per_item = (part.view(*self.unit.shape, -1).sum(-1) * self.unit**2 for part in found[1:])
        return ProxStep(x, *per_item)


def prior_value(x: Tensor, v: Tensor, potential: Tensor) -> Tensor:
    """R(x) = <x, v> - 1/2 ||x||^2 - psi(v) for x = f(v), float64 (n,).

    x, v: (n, channels, y, x). psi is known up to a constant, and so is R.
    """
    return inner(x, v - x / 2, 3) - potential
