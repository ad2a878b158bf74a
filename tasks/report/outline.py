"""The borders of a label image as a transparent picture to lay over images."""

from __future__ import annotations

import numpy as np
from PIL import Image

LINE = (255, 64, 160)  # neither a grey nor a colour of the error maps; seen on black and on white
FINE = 1000  # pixels along the longer side, of which the line is about 4 wide: 1.2 in a frame of 300


def borders(labels: np.ndarray, reach: int = 1) -> np.ndarray:
    """Bool (y, x): True up to ``reach`` pixels from a change between 4-neighbours, on both sides."""
    line = np.zeros(labels.shape, dtype=bool)
    for axis in (0, 1):
        across, marked = np.moveaxis(labels, axis, 0), np.moveaxis(line, axis, 0)  # views
        change = across[1:] != across[:-1]
        for k in range(min(reach, len(change))):
            marked[: len(marked) - 1 - k] |= change[k:]
            marked[k + 1 :] |= change[: len(change) - k]
    return line


def outline_picture(labels: np.ndarray) -> Image.Image:
    """The borders of uint8 (y, x) in colour, all else transparent, one bit a pixel.

    Small images are repeated to at least 1000 pixels, so that the line lies on the border itself and
    has the same width in every frame.
    """
    factor = -(-FINE // max(labels.shape))
    fine = labels.repeat(factor, 0).repeat(factor, 1)
    picture = Image.fromarray(borders(fine, max(1, round(2 * max(fine.shape) / FINE))).astype(np.uint8))
    picture.putpalette(bytes((0, 0, 0, *LINE)))
    picture.info["transparency"] = 0
    return picture
