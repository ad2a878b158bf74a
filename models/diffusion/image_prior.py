"""A prior with what a sampler has to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from proxflow.models.diffusion.noise_levels import Process
from proxflow.models.diffusion.priors import DiffusionPrior
from proxflow.models.methods.unsuitable import UnsuitableError

MOST_AT_ONCE = 8  # images given to a prior: more was not faster
COPIES = 14  # of an image, that total variation holds at most, the one it is given included
USUAL_BYTES = 1 << 30  # at most, so that what happens to be free does not decide


class ImageBytes(Protocol):
    """What an image (..., y, x) takes at most on its way through a network, with ``gradient`` and back."""

    def __call__(self, image: Tensor, *, gradient: bool = False) -> int: ...


@dataclass(frozen=True)
class ImagePrior:
    """predict: the prior itself; None: ``FourierWiener`` with the spectrum that the measurements tell.

    process: whose noise levels it knows.  channels: 2 where a network sees real and imaginary part together,
    else 1.  least_side: pixels that images must have along each side.
    image_bytes: what it takes to see one image like the one given; None: what total variation takes.
    weight_bytes: what its weights take.
    memory_bytes: for images; one at a time at least.
    """

    predict: DiffusionPrior | None
    process: Process = "vp"
    channels: int = 1
    least_side: int = 1
    image_bytes: ImageBytes | None = None
    weight_bytes: int = 0
    memory_bytes: int | None = None

    def bytes_of_one(self, image: Tensor, *, gradient: bool = False) -> int:
        """What an image like this one, (..., y, x), takes, there or there and back."""
        if self.image_bytes is None:
            return COPIES * image.shape[-2] * image.shape[-1] * image.element_size()
        return self.image_bytes(image, gradient=gradient)

    def images_at_once(self, image: Tensor, *, gradient: bool = False) -> int:
        """How many images like this one, (..., y, x), go through it together."""
        allowed = min(USUAL_BYTES, self.memory_bytes or USUAL_BYTES)
        return min(MOST_AT_ONCE, max(1, allowed // max(self.bytes_of_one(image, gradient=gradient), 1)))

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
