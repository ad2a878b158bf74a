"""Volumes as pictures beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

ENLARGED, GAP = 4, 4  # pixels a voxel, and between pictures


def volume_rows(rows: Sequence[Sequence[Tensor]]) -> NDArray[np.uint8]:
    """Rows of volumes (z, y, x), all of one shape, seen along y by their maximum: z down, x across.

    8 bits, black 0 or less, white 1.
    """
    return np.rint(255 * torch.cat([_row(row) for row in rows]).clamp(0, 1).numpy()).astype(np.uint8)


def _row(volumes: Sequence[Tensor]) -> Tensor:
    seen = [volume.amax(1) for volume in volumes]
    large = [picture.repeat_interleave(ENLARGED, 0).repeat_interleave(ENLARGED, 1) for picture in seen]
    framed = [functional.pad(picture, (0, GAP, 0, GAP), value=0.5) for picture in large]
    return torch.cat(framed, 1)
