"""Triangles as pixels: which of them is seen at each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST_CANDIDATES = 1 << 19  # pixels of triangles' bounding boxes tested at once: 60 MB


class Seen(NamedTuple):
    """depth: float32 (y, x), of the nearest surface, -inf where there is none.
    normals: float32 (y, x, 3), interpolated over the triangle seen, not of unit length; 0 where none."""

    depth: np.ndarray
    normals: np.ndarray


def nearest_surface(
    points: np.ndarray, normals: np.ndarray, faces: np.ndarray, size: tuple[int, int]
) -> Seen:
    """What is seen of triangles by a picture of ``size`` (height, width) pixels.

    points: real (vertex, 3), column and row in pixels (the centre of the first pixel is at 0.5) and depth,
    which grows towards the viewer.  normals: real (vertex, 3).  faces: int (face, 3).
    A pixel shows the nearest triangle that covers its centre; between vertices depth and normals are linear.
    """
    height, width = size
    depth = np.full(height * width, -np.inf, np.float32)
    kept = np.zeros((height * width, 3), np.float32)
    corners = points.astype(np.float32)[faces]  # (face, corner, 3)
    first = np.ceil(corners[:, :, :2].min(axis=1) - 0.5).astype(np.int64).clip(0)
    last = np.floor(corners[:, :, :2].max(axis=1) - 0.5).astype(np.int64)
    extent = (np.minimum(last, (width - 1, height - 1)) - first + 1).clip(0)
    counts = extent.prod(axis=1)
    order = np.flatnonzero(counts)
    parts = np.searchsorted(
        np.cumsum(counts[order]), np.arange(MOST_CANDIDATES, counts.sum(), MOST_CANDIDATES)
    )
    for some in np.split(order, parts):
        of, column, row = _candidates(first[some], extent[some], counts[some])
        weights, inside = _barycentric(corners[some], of, column, row)
        of, weights, pixel = of[inside], weights[inside], (row * width + column)[inside]
        z = (weights * corners[some, :, 2][of]).sum(axis=1)
        np.maximum.at(depth, pixel, z)
        seen = depth[pixel] == z
        shown = normals[faces[some[of[seen]]]]  # (pixel, corner, 3)
        kept[pixel[seen]] = np.einsum("pc,pck->pk", weights[seen], shown)
    return Seen(depth.reshape(size), kept.reshape(*size, 3))


def _candidates(
    first: np.ndarray, extent: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pixel of every bounding box: the index of its triangle, its column, its row."""
    of = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(within, extent[of, 0])
    return of, column + first[of, 0], row + first[of, 1]


def _barycentric(
    corners: np.ndarray, of: np.ndarray, column: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (candidate, corner) of the corners at pixel centres, and which centres are in the triangle."""
    origin = corners[:, 0, :2]
    (ux, uy), (vx, vy) = (corners[:, 1, :2] - origin).T, (corners[:, 2, :2] - origin).T
    area = ux * vy - uy * vx
    with np.errstate(divide="ignore"):
        inverse = np.where(area == 0, np.nan, 1 / area)  # seen edge on: no pixel is inside
    x, y = column + np.float32(0.5) - origin[of, 0], row + np.float32(0.5) - origin[of, 1]
    second = ((x * vy[of] - y * vx[of]) * inverse[of]).astype(np.float32)
    third = ((y * ux[of] - x * uy[of]) * inverse[of]).astype(np.float32)
    weights = np.stack([1 - second - third, second, third], axis=1)
    return weights, np.asarray((weights >= -1e-5).all(axis=1))
