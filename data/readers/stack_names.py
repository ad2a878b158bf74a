"""Names in files of several arrays: which array is the images, and whose each image is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_images import as_text

NUMBERS = "biufc"  # kinds of dtype
WHO = ("patient", "subject")  # arrays that name the subject of each image
USUAL = "images"


def names_of(found: NDArray) -> list[str]:
    """One name or several, as texts."""
    return [as_text(one) for one in np.ravel(found)]


def only_stack(shapes: Mapping[str, Sequence[int]], path: Path) -> str:
    """Of arrays of numbers the one called ``images``, or the only one with the axes of images; ScanError
    where that leaves a choice, or none."""
    names = [name for name, shape in shapes.items() if len(shape) >= 2]
    if USUAL in names or len(names) == 1:
        return USUAL if USUAL in names else names[0]
    held = ", ".join(names[:8]) or "none"
    raise ScanError(
        f"{path.name} must hold one stack of images, or be named as {path.name}::NAME, got {held}"
    )
