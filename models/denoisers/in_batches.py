"""A denoiser that is given as many images at once as memory has room for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from proxflow.models.denoisers.denoiser import ImageDenoiser


class InBatches:
    """D of so many images at a time, which changes nothing of any, as D sees every image on its own.

    Args:
        at_once: how many images like those given, (n, y, x), go through D together.
    """

    def __init__(self, denoise: ImageDenoiser, at_once: Callable[[Tensor], int]) -> None:
        self.denoise, self.at_once = denoise, at_once

    def __call__(self, images: Tensor, sigma: float) -> Tensor:
        return torch.cat([self.denoise(part, sigma) for part in images.split(self.at_once(images))])
