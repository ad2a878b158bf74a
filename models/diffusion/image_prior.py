"""A prior with what a sampler has to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from proxflow.models.diffusion.noise_levels import Process
from proxflow.models.diffusion.priors import DiffusionPrior
from proxflow.models.methods.unsuitable import UnsuitableError

MOST_AT_ONCE = 8  # images given to a prior: more was not faster
COPIES = 14  # of an image, that total variation holds at most, the one it is given included
USUAL_BYTES = 1 << 30  # at most, so that what happens to be free does not decide


@dataclass(frozen=True)
class ImagePrior:
    """predict: the prior itself; None: ``FourierWiener`` with the spectrum that the measurements tell.

    process: whose noise levels it knows.  channels: 2 where a network sees real and imaginary part together,
    else 1.  least_side: pixels that images must have along each side.
    image_bytes: what it takes to see one image like the one given; None: what total variation takes.
    memory_bytes: for that; one image at a time at least.
    """

    predict: DiffusionPrior | None
    process: Process = "vp"
    channels: int = 1
    least_side: int = 1
    image_bytes: Callable[[Tensor], int] | None = None
    memory_bytes: int | None = None

    def images_at_once(self, image: Tensor) -> int:
        """How many images like this one, (..., y, x), go through it together."""
        pixels = image.shape[-2] * image.shape[-1]
        each = COPIES * pixels * image.element_size() if self.image_bytes is None else self.image_bytes(image)
        allowed = min(USUAL_BYTES, self.memory_bytes or USUAL_BYTES)
        return min(MOST_AT_ONCE, max(1, allowed // max(each, 1)))

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
