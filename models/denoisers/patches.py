"""Denoising patch by patch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from proxflow.models.denoisers.denoiser import Denoiser


class PatchDenoiser:
    """D applied to overlapping square patches, which are put together by their mean where they overlap.

        x_out = (sum_k P_k^T D(P_k x)) / (sum_k P_k^T 1)

    P_k cuts patch k out. Patches start every ``stride`` pixels, the last ones at the edge, so that every
    pixel of an image of any size is covered; an image smaller than the patch is one patch. The denominator is
    what covers each pixel, counted.

    D = identity gives back the image. A D that looks ``r`` pixels far (8 for DnCNN) and pads with zeros gives
    what it gives for the whole image wherever every covering patch has its own edge more than r pixels away
    or on the image's edge; nearer to seams it takes zeros for the pixels beyond the patch.

    images: real (n, y, x).  Raises ValueError if not 1 <= stride <= side.
    Source: the patch variant of Iskender, Klasky & Bresler (2024), whose code divides by side^2 / stride^2,
    wrong near the edges, and cuts patches that its network shrinks.
    """

    def __init__(self, denoiser: Denoiser, *, side: int, stride: int) -> None:
        if not 1 <= stride <= side:
            raise ValueError(f"stride must be at least 1 and at most side {side}, got {stride}")
        self.denoiser = denoiser
        self.side = side
        self.stride = stride

    def __call__(self, images: Tensor) -> Tensor:
        windows = self.windows(images.shape[-2:])
        total, count = torch.zeros_like(images), images.new_zeros(images.shape[-2:])
        for y, x in windows:
            total[:, y, x] += self.denoiser(images[:, y, x].contiguous())
            count[y, x] += 1
        return total / count

    def windows(self, size: Sequence[int]) -> list[tuple[slice, slice]]:
        """Where the patches of an image of ``size`` (y, x) lie."""
        rows, columns = (self._stretches(n) for n in size)
        return [(y, x) for y in rows for x in columns]

    def _stretches(self, n: int) -> list[slice]:
        side = min(self.side, n)
        starts = [*range(0, n - side, self.stride), n - side]
        return [slice(start, start + side) for start in starts]
