"""What a prior makes of noisy images, and its way back for gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.diffusion.noise_levels import NoiseLevel
from proxflow.models.diffusion.priors import DifferentiablePrior, denoised
from proxflow.models.diffusion.sampling import predicted


class Guided(NamedTuple):
    """eps: as the prior tells it.  pull: v -> J^H v, J the Jacobian of x_0(x); to be called once.

    Real and imaginary part count as real variables: of the real f(x_0), with v = df/dRe x_0 + j df/dIm x_0,
    ``pull`` gives df/dRe x + j df/dIm x.
    """

    eps: Tensor
    pull: Callable[[Tensor], Tensor]


def guided(prior: DifferentiablePrior, x: Tensor, level: NoiseLevel, n_axes: int, most: int) -> Guided:
    """eps of x (*batch, *domain), from images with ``n_axes`` axes, ``most`` of them at a time, and ``pull``.

    Where all go at once, what the network computed is kept until they have been pulled back; more of them are
    computed again then, so that memory is that of ``most`` images.
    """
    images = x.reshape(-1, *x.shape[x.ndim - n_axes :])
    if len(images) <= most:
        leaf, eps = _traced(prior, images, level)
        return Guided(
            eps.detach().view(x.shape),
            lambda v: _back(leaf, eps, level, v.reshape(images.shape)).view(x.shape),
        )

    def pull(v: Tensor) -> Tensor:
        parts = zip(images.split(most), v.reshape(images.shape).split(most), strict=True)
        return torch.cat([_back(*_traced(prior, part, level), level, on) for part, on in parts]).view(x.shape)

    return Guided(predicted(prior, x, level, n_axes, most), pull)


def _traced(prior: DifferentiablePrior, images: Tensor, level: NoiseLevel) -> tuple[Tensor, Tensor]:
    """The images as a leaf of autograd's graph, and eps of them on it."""
    leaf = images.detach().requires_grad_()
    with torch.enable_grad():
        return leaf, prior.traced(leaf, level)


def _back(leaf: Tensor, eps: Tensor, level: NoiseLevel, v: Tensor) -> Tensor:
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(denoised(leaf, eps, level), leaf, v)
    return gradient
