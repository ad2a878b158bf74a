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


class LevelDenoiser(Protocol):
    """D of every image or volume on its own, told the level of its noise.

    magnitudes: real (n, *domain) with a peak of about 1. sigma: the noise's standard deviation in that unit.
    Returns the same shape and dtype; whether it dips below 0 is its own affair (``magnitude_prox`` clips).
    """

    def __call__(self, magnitudes: Tensor, sigma: float) -> Tensor: ...


class ImageDenoiser(Protocol):
    """D of every image on its own, real or complex, told the level of its noise.

    images: (n, y, x), magnitudes of about 0 to 1. sigma: the noise's standard deviation in that unit, of real
    and imaginary part each. Returns the same shape and dtype.
    """

    def __call__(self, images: Tensor, sigma: float, /) -> Tensor: ...
