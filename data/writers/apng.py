"""Export images as one animated PNG."""

from __future__ import annotations

from pathlib import Path

from numpy.typing import NDArray
from PIL import Image

from proxflow.data.kspace import Geometry
from proxflow.data.writers.atomic import atomic_path
from proxflow.data.writers.png import grey_pixels

LOOP_MS, FASTEST_MS, SLOWEST_MS = 5000, 60, 400  # per loop, and per picture


def write_apng(
    path: str | Path, image: NDArray, *, geometry: Geometry, window: tuple[float, float] | None = None
) -> Path:
    """Write the magnitude of each item to ``path``, one after the other in an endless loop; return ``path``.

    Grey as of ``write_png``, without loss. A loop takes 5 s, a picture between 0.06 and 0.4 s.
    """
    path = Path(path)
    first, *others = (Image.fromarray(plane) for plane in grey_pixels(image, geometry, window))
    duration = min(SLOWEST_MS, max(FASTEST_MS, LOOP_MS // (1 + len(others))))
    with atomic_path(path) as temporary:
        first.save(temporary, format="PNG", save_all=True, append_images=others, duration=duration, loop=0)
    return path
