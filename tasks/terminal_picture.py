"""A grey image drawn with characters: two pixels per character cell, in true colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.style import Style
from rich.text import Text

UPPER_HALF = "▀"  # a cell is about twice as high as wide, so half of it is a square
WHITE_QUANTILE = 0.98  # bright fat and vessels must not darken the rest


def to_grey(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A non-negative image (y, x) as 0-255, 0 black, its 98 % quantile and above white."""
    white = float(np.quantile(image, WHITE_QUANTILE)) or float(image.max()) or 1.0
    return np.round(np.clip(image / white, 0, 1) * 255).astype(np.uint8)


def terminal_picture(grey: NDArray[np.uint8], width: int, *, pixel_aspect: float = 1.0) -> Text:
    """Draw uint8 (y, x) at most ``width`` cells wide; ``pixel_aspect`` is a pixel's height over its width."""
    ny, nx = grey.shape
    columns = min(width, nx)
    rows = max(1, round(ny * pixel_aspect * columns / nx / 2))
    small = np.asarray(Image.fromarray(grey).resize((columns, 2 * rows), Image.Resampling.BOX), dtype=int)
    text = Text(end="")
    for top, bottom in zip(small[::2], small[1::2], strict=True):
        for upper, lower in zip(top, bottom, strict=True):
            text.append(UPPER_HALF, Style(color=_grey(upper), bgcolor=_grey(lower)))
        text.append("\n")
    return text


def _grey(level: int) -> str:
    return f"#{level:02x}{level:02x}{level:02x}"
