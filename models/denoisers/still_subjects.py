"""Images of a subject as a denoiser is trained on them: peak 1, in several sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from proxflow.models.denoisers.noisy_crops import Subject

PEAK_PERCENTILE = 99.9  # of a slice: a bright pixel alone is no peak
OBJECT, LEAST_OBJECT = (
    0.1,
    0.05,
)  # a slice of which less than 5 % is brighter than 10 % of its peak shows nothing


def attenuation(hounsfield: NDArray[np.float32]) -> NDArray[np.float32]:
    """Relative to water, from Hounsfield units: max(0, (HU + 1000) / 1000)."""
    return np.maximum((hounsfield + 1000) / 1000, 0)


def still_subject(name: str, images: Sequence[NDArray[np.float32]], sizes: Sequence[int]) -> Subject | None:
    """Each image float32 (y, x) scaled to a peak of 1, negative values set to 0, empty ones dropped, and
    resized so that its longer side has each of ``sizes`` pixels, as far as it has as many; an image smaller
    than all of them stays as it is. None if no image is left.
    """
    prepared = [copies for image in images if (copies := _copies(image, sizes))]
    return Subject(name, tuple(prepared)) if prepared else None


def _copies(image: NDArray[np.float32], sizes: Sequence[int]) -> tuple[Tensor, ...]:
    image = np.maximum(image, 0)
    peak = np.percentile(image, PEAK_PERCENTILE)
    if not peak > 0 or (image / peak > OBJECT).mean() < LEAST_OBJECT:
        return ()
    whole = torch.from_numpy(np.ascontiguousarray(image / peak, dtype=np.float32))
    longer = max(whole.shape)
    copies = [
        _resized(whole, [round(n * size / longer) for n in whole.shape]) for size in sizes if size <= longer
    ]
    return tuple(copies or [whole])


def _resized(image: Tensor, size: list[int]) -> Tensor:
    """Averaged over what a new pixel covers, so that the noise of the original falls."""
    if list(image.shape) == size:
        return image
    found: Tensor = functional.interpolate(
        image[None, None], size, mode="bilinear", antialias=True, align_corners=False
    )
    return found[0, 0].contiguous()
