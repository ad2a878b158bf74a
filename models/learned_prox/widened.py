"""Training images with values beyond 0 to 1, so that a network learns what to make of those."""

from __future__ import annotations

import torch
from torch import Tensor

SHARE = 0.5  # of the images; the rest stay as they were, since those are what is met most


def widened(clean: Tensor, beyond: float, rng: torch.Generator) -> Tensor:
    """Half of the images, drawn, with clean values from -b to 1 + b, b = ``beyond``; one draw for each image:

        one channel    x <- low + s x,  s ~ U(1, 1 + 2 b),  low ~ U(-b, 1 + b - s)
        two            x <- s x,        s ~ U(1, 1 + b),    x = (real part, imaginary part)

    so that 0 to 1 becomes a part of -b to 1 + b, and magnitudes reach 1 + b. All images are clipped there,
    those of two channels by their magnitude. With b = 0 nothing is drawn, nor changed.

    A network that saw 0 to 1 alone may enlarge what is beyond, and iterations then run off. Ours.

    clean: float32 (n, channels, y, x).
    """
    if not beyond:
        return clean
    most = 1 + beyond
    chosen, first, second = torch.rand(3, len(clean), 1, 1, 1, generator=rng)
    if clean.shape[1] == 1:
        stretch = 1 + 2 * beyond * first
        other = stretch * clean - beyond + (most + beyond - stretch) * second
    else:
        other = (1 + beyond * first) * clean
    images = torch.where(chosen < SHARE, other, clean)
    if clean.shape[1] == 1:
        return images.clamp(-beyond, most)
    magnitude = torch.linalg.vector_norm(images, dim=1, keepdim=True)
    return images * (most / magnitude.clamp_min(most))
