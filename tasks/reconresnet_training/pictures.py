"""What a network against artefacts made of images that were kept apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from proxflow.models.artefacts.training import Made

GAP = 4  # pixels between pictures


def made_rows(rows: Sequence[Made]) -> NDArray[np.uint8]:
    """A row each: truth, zero-filled, network, consistent. 8 bits, black 0, white 1."""
    shown = torch.cat([torch.cat([_framed(image) for image in row], 1) for row in rows])
    return np.rint(255 * shown.clamp(0, 1).numpy()).astype(np.uint8)


def _framed(image: Tensor) -> Tensor:
    return functional.pad(image, (0, GAP, 0, GAP), value=0.5)
