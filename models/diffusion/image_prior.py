"""A prior with what a sampler has to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from proxflow.models.diffusion.priors import DiffusionPrior
from proxflow.models.methods.unsuitable import UnsuitableError


@dataclass(frozen=True)
class ImagePrior:
    """predict: the prior itself; None: ``FourierWiener`` with the spectrum that the measurements tell.

    process: whose noise levels it knows.  channels: 2 where a network sees real and imaginary part together,
    else 1.  least_side: pixels that images must have along each side.
    """

    predict: DiffusionPrior | None
    process: Literal["vp", "ve"] = "vp"
    channels: int = 1
    least_side: int = 1

    def check(self, image: Tensor, name: str = "prior") -> None:
        """UnsuitableError where it is not for such images, (..., y, x); ``name``: of it, in the sentence."""
        if self.channels == 2 and not image.is_complex():
            raise UnsuitableError(
                f"{name} must be a network of one channel for real images, got one of two, for complex ones"
            )
        if min(image.shape[-2:]) < self.least_side:
            ny, nx = image.shape[-2:]
            raise UnsuitableError(
                f"{name} must be given images of at least {self.least_side} pixels a side, got {ny} x {nx}"
            )
