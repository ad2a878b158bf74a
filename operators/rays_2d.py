"""The rays of parallel and fan beams in a plane, and how Joseph's method marches along them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

FRACTION_BITS = 32  # of a pixel, in fixed-point positions
ONE_PIXEL = 1 << FRACTION_BITS
Detector = Literal["flat", "curved"]


@dataclass(frozen=True)
class Rays2D:
    """Straight lines ``origin + s direction``, float64 (angle, column, 2), in pixels.

    The last axis is (y, x), y upwards, and zero is the axis of rotation at the centre of the image.
    Directions have length one. A ray is the whole line, so a source must lie outside the image.
    """

    origin: np.ndarray
    direction: np.ndarray


def parallel_rays(
    angles_rad: np.ndarray, n_columns: int, *, column_size: float = 1.0, detector_offset: float = 0.0
) -> Rays2D:
    """Rays {u_c u + s d} with u = (cos t, sin t), d = (-sin t, cos t); lengths in pixels.

    Column c of n lies at u_c = (c - (n - 1) / 2) column_size + detector_offset.
    """
    u, d = _axes(angles_rad)
    columns = _columns(n_columns, column_size, detector_offset)
    origin = columns[:, None] * u[:, None, :]
    return Rays2D(origin, np.broadcast_to(d[:, None, :], origin.shape))


def fan_rays(
    angles_rad: np.ndarray,
    n_columns: int,
    *,
    source_origin: float,
    source_detector: float,
    column_size: float,
    detector: Detector = "flat",
    detector_offset: float = 0.0,
) -> Rays2D:
    """Rays from the source at ``-source_origin d`` to the columns, ``source_detector`` away; in pixels.

    Flat: column c at ``u_c u`` in the detector's plane, the angle to the central ray is
    gamma = atan(u_c / source_detector). Curved: u_c is length along the arc around the source,
    gamma = u_c / source_detector. Positive gamma turns towards +u.
    """
    u, d = _axes(angles_rad)
    ratio = _columns(n_columns, column_size, detector_offset) / source_detector
    gamma = (np.arctan(ratio) if detector == "flat" else ratio)[:, None]
    direction = np.sin(gamma) * u[:, None, :] + np.cos(gamma) * d[:, None, :]
    origin = np.broadcast_to(-source_origin * d[:, None, :], direction.shape)
    return Rays2D(origin, direction)


def _axes(angles_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cos, sin = np.cos(angles_rad), np.sin(angles_rad)
    return np.stack([sin, cos], -1), np.stack([cos, -sin], -1)


def _columns(n: int, size: float, offset: float) -> np.ndarray:
    return (np.arange(n) - (n - 1) / 2) * size + offset


@dataclass(frozen=True)
class MarchedRays:
    """Rays that step from line to line of an image, a line being a row, or a column of the transpose.

    On line k ray r meets the position ``start[r] + step[r] k``: an integer, in units of 2^-32 pixel,
    counted so that the pixels of the line are 1 to ``width`` and 0 and ``width + 1`` lie outside. It
    meets lines ``first[r] <= k < stop[r]``, each with the length ``weight[r]`` (float64). Integers make
    every backend use the same weights to the last bit; rounding moves a ray by 2^-32 pixel per line.
    ``index`` is the ray's place in the sinogram, angle by angle. All int64 (ray,).
    """

    n_lines: int
    width: int
    index: np.ndarray
    start: np.ndarray
    step: np.ndarray
    first: np.ndarray
    stop: np.ndarray
    weight: np.ndarray

    @property
    def n_interpolations(self) -> int:
        return int((self.stop - self.first).sum())

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """(index, start, step, first, stop, weight), as the kernels take them."""
        return self.index, self.start, self.step, self.first, self.stop, self.weight


def march(rays: Rays2D, shape: tuple[int, int], pixel_size: float = 1.0) -> tuple[MarchedRays, MarchedRays]:
    """Joseph's method for an image (ny, nx): the rays steeper than 45 degrees by rows, the rest by columns.

    A ray's integral is  sum_k weight ((1 - f) x[k, i] + f x[k, i + 1]),  i + f its position on line k and
    weight = pixel_size / |cos| the length of ray per line; pixels outside the image count as zero.
    Rays that miss the image are left out.
    Source: Joseph, IEEE Trans. Med. Imaging 1:192 (1982).
    """
    ny, nx = shape
    row, column = (ny - 1) / 2 - rays.origin[..., 0].ravel(), rays.origin[..., 1].ravel() + (nx - 1) / 2
    down, right = -rays.direction[..., 0].ravel(), rays.direction[..., 1].ravel()
    steep = np.abs(down) >= np.abs(right)
    by_rows = _march(np.flatnonzero(steep), ny, nx, row, column, down, right, pixel_size)
    by_columns = _march(np.flatnonzero(~steep), nx, ny, column, row, right, down, pixel_size)
    return by_rows, by_columns


def _march(
    index: np.ndarray,
    n_lines: int,
    width: int,
    line: np.ndarray,
    across: np.ndarray,
    along_line: np.ndarray,
    along_across: np.ndarray,
    pixel_size: float,
) -> MarchedRays:
    slope = along_across[index] / along_line[index]
    start = across[index] - slope * line[index] + 1
    start = np.clip(start, -(2.0**30), 2.0**30)  # rays that far outside miss the image either way
    fixed_start, step = (np.rint(values * ONE_PIXEL).astype(np.int64) for values in (start, slope))
    first, stop = _lines_met(fixed_start, step, n_lines, (width + 1) * ONE_PIXEL - 1)
    met = stop > first
    weight = pixel_size * np.hypot(1.0, slope)
    rays = (index, fixed_start, step, first, stop, weight)
    return MarchedRays(n_lines, width, *(values[met] for values in rays))


def _lines_met(start: np.ndarray, step: np.ndarray, n_lines: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """The lines k with 0 <= start + step k <= last, as [first, stop), in exact integers."""
    start = np.where(step < 0, last - start, start)  # seen from the other end, every ray steps upwards
    size = np.maximum(np.abs(step), 1)
    first, stop = -(start // size), (last - start) // size + 1
    never = (start < 0) | (start > last)
    first = np.where(step == 0, np.where(never, n_lines, 0), first)
    stop = np.where(step == 0, n_lines, stop)
    first = np.clip(first, 0, n_lines)
    return first, np.maximum(np.clip(stop, 0, n_lines), first)
