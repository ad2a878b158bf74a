"""What the methods that regularise by denoising ask of a denoiser."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Denoiser(Protocol):
    """D of every image on its own, for real images (n, y, x) whose object has values of about 0 to 1.

    Returns the same shape and dtype. Methods bring their images to that scale and back, take the parts of
    complex images apart, and hand over as many images at once as their memory allows.
    """

    def __call__(self, images: Tensor) -> Tensor: ...
