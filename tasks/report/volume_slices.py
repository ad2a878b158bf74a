"""The three planes of a volume through one place, aligned as drawings of a workpiece are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxflow.tasks.report.drawing import FAINT, INK, MARK, QUIET, Drawing, Line, Picture, Text
from proxflow.tasks.report.pictures import grey
from proxflow.tasks.report.scale_ticks import inner_ticks, number_label
from proxflow.tasks.report.volumes import Volumes

SIDE = 340.0  # units: the longer side of the drawing
LEFT, TOP, RIGHT, BOTTOM, GAP = 50.0, 6.0, 12.0, 40.0, 8.0  # ticks and names lie left and below
TICK, NUMBER, NAME = 4.0, 13.0, 31.0  # how far below or left of a plane
CLEAR = 7.0  # of the mark, around the place itself


class Plane(NamedTuple):
    """A rectangle of the drawing: the axes (0: x, 1: y, 2: z) across and down, and its corner."""

    across: int
    down: int
    left: float
    top: float


def slice_drawing(volume: np.ndarray, volumes: Volumes, decibels: float, label: str) -> Drawing:
    """The planes of ``volume`` through ``volumes.place`` in dB below the volume's own peak, black at
    ``-decibels``: x-y (y down), x-z below it (z down), and z-y to its right, all at one scale.

    ``volume`` is one of ``volumes``; lines mark the place in every plane.
    """
    lengths = [high - low for low, high in volumes.bounds_mm]
    room = SIDE - max(LEFT + RIGHT, TOP + BOTTOM) - GAP
    unit = room / max(lengths[0] + lengths[2], lengths[1] + lengths[2])
    x_mm, y_mm, z_mm = (length * unit for length in lengths)
    right, below = LEFT + x_mm + GAP, TOP + y_mm + GAP
    planes = (Plane(0, 1, LEFT, TOP), Plane(0, 2, LEFT, below), Plane(2, 1, right, TOP))
    level, (z, y, x) = levels(volume, decibels), volumes.place
    cuts = (level[z], level[:, y], level[:, :, x].T)
    marked = volumes.point_mm(volumes.place)
    parts: list[Picture | Line | Text] = []
    for plane, cut in zip(planes, cuts, strict=True):
        size = lengths[plane.across] * unit, lengths[plane.down] * unit
        parts.append(Picture(plane.left, plane.top, *size, grey(cut, decibels)))
        parts += [*_frame(plane, *size), *_mark(plane, volumes, unit, marked)]
    parts += [*_across(planes[1], volumes, unit), *_across(planes[2], volumes, unit)]
    parts += [*_down(planes[0], volumes, unit), *_down(planes[1], volumes, unit)]
    width = right + max(z_mm, 24.0) + RIGHT
    return Drawing(width, below + z_mm + BOTTOM, label, tuple(parts))


def levels(volume: np.ndarray, decibels: float) -> np.ndarray:
    """``decibels`` + 20 log10(v / peak), 0 where that is less; 0 everywhere in a volume of zeros."""
    peak = float(volume.max()) or 1.0
    ratio = np.maximum(volume / peak, 10 ** (-decibels / 20))
    return np.asarray(decibels + 20 * np.log10(ratio))


def _frame(plane: Plane, width: float, height: float) -> list[Line]:
    """The edges of a plane, which on black nothing else tells."""
    left, top, right, bottom = plane.left, plane.top, plane.left + width, plane.top + height
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return [Line(start, end, FAINT) for start, end in zip(corners, corners[1:] + corners[:1], strict=True)]


def _mark(plane: Plane, volumes: Volumes, unit: float, point: tuple[float, ...]) -> list[Line]:
    """Lines through the place to the edges of the plane, with a gap around it."""
    (left, right), (top, bottom) = (volumes.bounds_mm[axis] for axis in (plane.across, plane.down))
    x, y = plane.left + (point[plane.across] - left) * unit, plane.top + (point[plane.down] - top) * unit
    ends = plane.left + (right - left) * unit, plane.top + (bottom - top) * unit
    lines = [
        ((plane.left, y), (x - CLEAR, y)),
        ((x + CLEAR, y), (ends[0], y)),
        ((x, plane.top), (x, y - CLEAR)),
        ((x, y + CLEAR), (x, ends[1])),
    ]
    return [Line(start, end, MARK) for start, end in lines if start[0] <= end[0] and start[1] <= end[1]]


def _across(plane: Plane, volumes: Volumes, unit: float) -> list[Line | Text]:
    """Ticks, numbers and name below a plane."""
    low, high = volumes.bounds_mm[plane.across]
    bottom = plane.top + unit * float(np.ptp(volumes.bounds_mm[plane.down]))
    parts: list[Line | Text] = []
    for tick in inner_ticks(low, high, (high - low) * unit):
        x = plane.left + (tick - low) * unit
        parts.append(Line((x, bottom + 1), (x, bottom + TICK), QUIET))
        parts.append(Text(x, bottom + NUMBER, number_label(tick)))
    middle = plane.left + (high - low) * unit / 2
    return [*parts, Text(middle, bottom + NAME, f"{'xyz'[plane.across]} / mm", "middle", INK)]


def _down(plane: Plane, volumes: Volumes, unit: float) -> list[Line | Text]:
    """Ticks, numbers and name to the left of a plane."""
    low, high = volumes.bounds_mm[plane.down]
    parts: list[Line | Text] = []
    for tick in inner_ticks(low, high, (high - low) * unit):
        y = plane.top + (tick - low) * unit
        parts.append(Line((plane.left - TICK, y), (plane.left - 1, y), QUIET))
        parts.append(Text(plane.left - TICK - 3, y, number_label(tick), "end"))
    middle = plane.top + (high - low) * unit / 2
    name = "xyz"[plane.down]
    return [*parts, Text(11, middle - 8, name, "middle", INK), Text(11, middle + 7, "mm", "middle", INK)]
