"""Curves in panels with axes, for the pictures of benchmarks."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from proxflow.tasks.report.drawing import FAINT, INK, Dot, Drawing, Line, Picture, Text, raster
from proxflow.tasks.report.scale_ticks import inner_ticks, number_label

AMBER, GREEN = "#e8a54b", "#7cc88a"
SMOOTHED = 2  # pixels of what is drawn to one of the file, so that lines are not jagged
COLOURS = 128  # of the file
NUMBER, NAME, TITLE = 12.0, 28.0, 12.0  # units from a panel's edge
SAMPLE, ROW = 22.0, 16.0  # of a legend: a line's length, a row's height

Parts = list[Picture | Line | Dot | Text]


class Curve(NamedTuple):
    """y against x; what is not finite interrupts it.  dashed: every second piece alone.  dots: at points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dashed: bool = False
    dots: bool = False


class Panel(NamedTuple):
    """A rectangle of the drawing, in its units, and the values at its edges, (low, high)."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * self.width, self.top + (1 - up) * self.height


def range_of(curves: Sequence[Curve]) -> tuple[float, float]:
    """A little more than the finite y of all; 0 to 1 where there are none."""
    values = [y for curve in curves for y in curve.y if math.isfinite(y)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    spare = 0.04 * (high - low) or 0.5
    return low - spare, high + spare


def panel_parts(panel: Panel, curves: Sequence[Curve], title: str, across: str) -> Parts:
    """Grid, numbers, ``title`` above, the name of the x axis below, and the curves, in their order."""
    right, bottom = panel.left + panel.width, panel.top + panel.height
    parts: Parts = []
    for tick in inner_ticks(*panel.x, panel.width):
        x, _ = panel.at(tick, panel.y[0])
        parts += [Line((x, panel.top), (x, bottom), FAINT), Text(x, bottom + NUMBER, number_label(tick))]
    for tick in inner_ticks(*panel.y, panel.height):
        _, y = panel.at(panel.x[0], tick)
        parts.append(Line((panel.left, y), (right, y), FAINT))
        parts.append(Text(panel.left - 6, y, number_label(tick), "end"))
    middle = panel.left + panel.width / 2
    parts.append(Text(middle, panel.top - TITLE, title, "middle", INK))
    parts.append(Text(middle, bottom + NAME, across))
    return parts + [part for curve in curves for part in _curve_parts(panel, curve)]


def _curve_parts(panel: Panel, curve: Curve) -> Parts:
    known = [math.isfinite(y) for y in curve.y]
    points = [
        panel.at(x, y) if good else (0.0, 0.0) for x, y, good in zip(curve.x, curve.y, known, strict=True)
    ]
    parts: Parts = [
        Line(points[k], points[k + 1], curve.colour)
        for k in range(0, len(points) - 1, 2 if curve.dashed else 1)
        if known[k] and known[k + 1]
    ]
    if curve.dots:
        parts += [Dot(*point, 2.5, curve.colour) for point, good in zip(points, known, strict=True) if good]
    return parts


def legend(left: float, top: float, curves: Sequence[Curve]) -> Parts:
    """A row for each curve, the first at ``top``."""
    parts: Parts = []
    for row, curve in enumerate(curves):
        y = top + row * ROW
        ends = [0.0, 0.4, 0.6, 1.0] if curve.dashed else [0.0, 1.0]
        for start, end in zip(ends[::2], ends[1::2], strict=True):
            parts.append(Line((left + start * SAMPLE, y), (left + end * SAMPLE, y), curve.colour))
        parts.append(Text(left + SAMPLE + 6, y, curve.name, "start"))
    return parts


def write_drawing(path: Path, drawing: Drawing, scale: int = 2) -> None:
    """A PNG of ``scale`` pixels a unit, in 128 colours."""
    sheet = raster(drawing, SMOOTHED * scale)
    size = sheet.width // SMOOTHED, sheet.height // SMOOTHED
    smooth = sheet.resize(size, Image.Resampling.BOX)
    smooth.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def png_path(text: str) -> Path:
    """For ``argparse``: a PNG file that can be written."""
    path = Path(text)
    if path.suffix != ".png" or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be a .png file in a folder that exists, got {text}")
    return path
