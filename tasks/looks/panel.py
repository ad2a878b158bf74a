"""Grey pictures of a scan, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from proxflow.tasks.terminal_picture import to_grey

BACKGROUND, AREA, LINE, RULE = 24, 96, 255, 64  # grey levels
CHART = (288, 384)  # pixels (y, x) of a drawn curve


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        caption: what it shows, in a few words.
        grey: uint8 (y, x).
        aspect: height of a pixel over its width.
        in_terminal: whether a terminal shows it too, where there is less room.
    """

    caption: str
    grey: NDArray[np.uint8]
    aspect: float = 1.0
    in_terminal: bool = True


def square(grey: NDArray[np.uint8]) -> float:
    """The ``aspect`` that shows measurements, whose axes have no common unit, as a square."""
    return grey.shape[1] / grey.shape[0]


def measurement_panel(caption: str, grey: NDArray[np.uint8], *, in_terminal: bool = True) -> Panel:
    """A picture of samples as measured."""
    return Panel(caption, grey, square(grey), in_terminal)


def magnitude_panel(caption: str, magnitude: NDArray[np.floating], *, decades: float) -> Panel:
    """Magnitudes on a logarithmic scale, the largest white, ``decades`` below it black."""
    return measurement_panel(f"{caption}, {decades:g} decades", log_grey(magnitude, decades))


def log_grey(magnitude: NDArray[np.floating], decades: float) -> NDArray[np.uint8]:
    """0-255 over the ``decades`` below the largest magnitude; black where there is nothing but zeros."""
    peak = float(magnitude.max()) or 1.0
    floor = peak * 10**-decades
    level = np.log10(np.maximum(magnitude, floor) / floor) / decades
    return np.round(level * 255).astype(np.uint8)


def chart(values: NDArray[np.floating], rules: int) -> NDArray[np.uint8]:
    """A curve of values between 0 and 1 at equal distances, with ``rules`` horizontal lines."""
    height, width = CHART
    picture = Image.new("L", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    x = np.linspace(0, width - 1, len(values))
    y = (1 - np.clip(values, 0, 1)) * (height - 1)
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    draw.polygon([(0, height), *points, (width - 1, height)], fill=AREA)
    for rule in range(1, rules):
        level = round(rule * height / rules)
        draw.line([(0, level), (width - 1, level)], fill=RULE)
    draw.line(points, fill=LINE, width=3)
    return np.asarray(picture)


def strip(panels: tuple[Panel, ...], height: int, gap: int) -> tuple[Image.Image, list[int]]:
    """The panels side by side, each ``height`` pixels high, and where each begins."""
    pictures = [_resized(panel, height) for panel in panels]
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) - 1)
    page, left, begins = Image.new("L", (width, height), BACKGROUND), 0, []
    for picture in pictures:
        page.paste(picture, (left, 0))
        begins.append(left)
        left += picture.width + gap
    return page, begins


def _resized(panel: Panel, height: int) -> Image.Image:
    ny, nx = panel.grey.shape
    width = max(1, round(height * nx / (ny * panel.aspect)))
    shrinks = ny > height or nx > width
    return Image.fromarray(panel.grey).resize(
        (width, height), Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    )


def image_panel(caption: str, image: NDArray[np.floating], aspect: float = 1.0) -> Panel:
    """An image of values from 0 upwards."""
    return Panel(caption, to_grey(np.maximum(image, 0)), aspect)
