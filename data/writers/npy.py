"""Export an image as a NumPy array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry
from proxflow.data.writers.atomic import atomic_path
from proxflow.data.writers.image_stack import check_image


def write_npy(path: str | Path, image: NDArray, *, geometry: Geometry) -> Path:
    """Write image (item, y, x) with its values and dtype untouched; return ``path``."""
    path = Path(path)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, check_image(image, geometry), allow_pickle=False)
    return path
