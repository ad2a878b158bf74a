"""Rows of images as one picture."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

ENLARGED, GAP = 2, 4  # pixels a pixel, and between pictures


def image_rows(*images: Tensor) -> NDArray[np.uint8]:
    """Magnitudes of images (n, y, x), each argument a row. 8 bits, black 0, white 1."""
    rows = [torch.cat([_framed(image) for image in row], 1) for row in images]
    width = max(row.shape[1] for row in rows)
    padded = [functional.pad(row, (0, width - row.shape[1])) for row in rows]
    return np.rint(255 * torch.cat(padded).clamp(0, 1).numpy()).astype(np.uint8)


def _framed(image: Tensor) -> Tensor:
    """A real image as it is: a sample may dip below 0."""
    seen = image.abs() if image.is_complex() else image
    large = seen.repeat_interleave(ENLARGED, 0).repeat_interleave(ENLARGED, 1)
    return functional.pad(large, (0, GAP, 0, GAP), value=0.5)
