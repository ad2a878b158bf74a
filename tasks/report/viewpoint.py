"""From where a box is looked at: points in space to places in a picture."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np


class Viewpoint(NamedTuple):
    """Parallel projection from ``azimuth`` (counter-clockwise from x) and ``elevation`` (above the x-y plane)
    in degrees; z points up in the picture."""

    azimuth: float
    elevation: float

    def axes(self) -> np.ndarray:
        """(3, 3) orthonormal: what points right, up and towards the viewer, each as (x, y, z)."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        towards = np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
        right = np.array([-math.sin(a), math.cos(a), 0.0])
        return np.stack([right, np.cross(towards, right), towards])


class Projection(NamedTuple):
    """Points in mm to (column, row, depth), in units of a drawing; depth grows towards the viewer.

    p = scale * (turn @ (point - middle)) + offset, with the sign of the row turned, as rows count down.
    """

    turn: np.ndarray
    middle: np.ndarray
    scale: float
    offset: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) points (x, y, z) to (..., 3)."""
        turned = (np.asarray(points) - self.middle) @ self.turn.T * self.scale
        return np.asarray(turned * (1, -1, 1) + self.offset)


def fitting(points: np.ndarray, view: Viewpoint, size: tuple[float, float], margin: float) -> Projection:
    """The projection that shows all ``points`` (point, 3) as large as fits ``size`` (width, height)."""
    turn, middle = view.axes(), (points.min(axis=0) + points.max(axis=0)) / 2
    flat = Projection(turn, middle, 1.0, np.zeros(3))(points)[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    room = np.asarray(size) - 2 * margin
    scale = float((room / np.maximum(high - low, 1e-9 * np.ptp(points))).min())
    offset = np.asarray(size) / 2 - scale * (low + high) / 2
    return Projection(turn, middle, scale, np.array([*offset, 0.0]))


def corners_of(bounds: tuple[tuple[float, float], ...]) -> np.ndarray:
    """The eight corners (corner, 3) of a box that ``bounds`` limit along x, y and z."""
    return np.array(list(itertools.product(*bounds)))


def edges_of(
    bounds: tuple[tuple[float, float], ...], view: Viewpoint
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The twelve edges, each (2, 3): the three behind everything in the box, then all others.

    Those three meet in the corner farthest from the viewer; no other edge has anything of the box before it.
    """
    towards = view.axes()[2]
    farthest = np.array([low if t > 0 else high for t, (low, high) in zip(towards, bounds, strict=True)])
    rear: list[np.ndarray] = []
    front: list[np.ndarray] = []
    for start, end in itertools.combinations(corners_of(bounds), 2):
        if (start != end).sum() == 1:
            hidden = (start == farthest).all() or (end == farthest).all()
            (rear if hidden else front).append(np.stack([start, end]))
    return rear, front
