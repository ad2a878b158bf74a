"""Checks that pictures pass before anyone computes with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.still_picture import StillPicture

LEAST_SIDE = 8  # pixels: the windows of SSIM have 7, and colours as a last axis are 3 or 4


def check_picture_form(path: Path, shape: Sequence[int], dtype: np.dtype) -> None:
    """Raise ScanError unless ``shape`` is (..., y, x) of pictures without colours and ``dtype`` real."""
    if dtype.kind not in "fiub":
        raise ScanError(f"{path.name}: pictures must be of real numbers, got {dtype}")
    if len(shape) < 2 or min(shape[-2:]) < LEAST_SIDE or 0 in shape:
        raise ScanError(
            f"{path.name}: pictures must have axes (..., y, x) of at least {LEAST_SIDE} x {LEAST_SIDE} "
            f"pixels, without colours, got shape {tuple(shape)}"
        )


def checked_picture(path: Path, picture: StillPicture, items: Sequence[int]) -> StillPicture:
    """``picture`` itself if every item is finite and holds signal; else ScanError naming the item.

    ``items`` are the file's numbers of the items read, for the message.
    """
    for number, image in zip(items, picture.samples, strict=True):
        bad = np.argwhere(~np.isfinite(image))
        if len(bad):
            raise ScanError(
                f"{path.name}: pictures must be finite, got {len(bad)} NaN or Inf values in item {number}, "
                f"the first in row {bad[0, 0]}, column {bad[0, 1]}"
            )
        if not image.any():
            raise ScanError(f"{path.name}: pictures must hold signal, got only zeros in item {number}")
    return picture
