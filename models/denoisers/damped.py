"""A denoiser that knows how large images are."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.denoisers.denoiser import LevelDenoiser


class Damped:
    """s^2 / (s^2 + sigma^2) D(v, sigma): D, and beyond a noise of s the zero image more and more.

    Total variation, and what else has no opinion on how bright an image is, leaves a smooth rest of noise far
    stronger than any image, which a sampler that comes down from such noise would keep. With s = 1 what is
    left at a noise of 0.1 is 99 %, at 10 it is 1 %.

    Args:
        size: s, in the unit in which images have magnitudes of about 0 to 1.
    """

    def __init__(self, denoise: LevelDenoiser, size: float = 1.0) -> None:
        if not size > 0:
            raise ValueError(f"size must be positive, got {size}")
        self.denoise, self.size = denoise, size

    def __call__(self, magnitudes: Tensor, sigma: float) -> Tensor:
        return self.denoise(magnitudes, sigma) / (1 + (sigma / self.size) ** 2)
