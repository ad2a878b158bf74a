"""Export an image as 8-bit PNG pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry
from proxflow.data.writers.atomic import atomic_path
from proxflow.data.writers.image_stack import check_image


def write_png(
    folder: str | Path,
    image: NDArray,
    *,
    geometry: Geometry,
    window: tuple[float, float] | None = None,
    stem: str = "image",
) -> list[Path]:
    """Write the magnitude of each item to ``folder``/``stem``-0000.png, ...; return the paths.

    grey = 255 (|x| - low) / (high - low), clipped. All items share ``window`` = (low, high), by default
    0 to the 99.8th percentile, which a few bright pixels cannot spoil. Row 0 is on top.
    """
    paths = []
    for i, plane in enumerate(grey_pixels(image, geometry, window)):
        path = Path(folder) / f"{stem}-{i:04d}.png"
        with atomic_path(path) as temporary:
            Image.fromarray(plane).save(temporary, format="PNG")
        paths.append(path)
    return paths


def grey_pixels(image: NDArray, geometry: Geometry, window: tuple[float, float] | None) -> NDArray[np.uint8]:
    """uint8 (item, y, x) of the magnitude of ``image`` (item, y, x), as ``write_png`` says."""
    magnitude = np.abs(check_image(image, geometry)).astype(np.float64)
    low, high = window if window is not None else (0.0, float(np.percentile(magnitude, 99.8)) or 1.0)
    if not low < high:
        raise ScanError(f"window must rise from low to high, got {(low, high)}")
    return np.rint(255 * np.clip((magnitude - low) / (high - low), 0, 1)).astype(np.uint8)
