"""Checks that every reader of a series of projections passes its result through."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proxflow.data.dynamic_sinogram import DynamicSinogram, FrameGeometry
from proxflow.data.errors import ScanError
from proxflow.data.sinogram import ScanGeometry
from proxflow.data.validate import check_finite, check_one_per_item
from proxflow.data.validate_angles import AngleUnit, in_radians
from proxflow.data.validate_quantity import edge_value, turned
from proxflow.data.validate_sinogram import check_scan_geometry

AXES = ("item", "frame", "view", "column")
FEWEST_COLUMNS = 4


def check_line_integrals(path: Path, name: str, dtype: np.dtype) -> None:
    """Raise ScanError unless ``dtype`` is of real floats."""
    if dtype.kind != "f" or dtype.itemsize > 8:
        hint = "; counts?" if dtype.kind in "iu" else ""
        raise ScanError(f"{path.name}: {name} must be line integrals in real floats, got {dtype}{hint}")


def check_frame_angles(
    path: Path, name: str, values: ArrayLike, unit: AngleUnit, frames_views: tuple[int, int]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Angles in radians, float64 (frame, view), and notes on their unit.

    ``values`` is (frame, view), or all of them in the order of time. Raises ScanError if they are not as
    many, not finite, or in another unit than stated.
    """
    raw = np.asarray(values)
    if raw.dtype.kind not in "fiu":
        raise ScanError(f"{path.name}: {name} must be real numbers, got {raw.dtype}")
    n_frames, n_views = frames_views
    if raw.shape not in (frames_views, (n_frames * n_views,)):
        raise ScanError(
            f"{path.name}: {name} must name an angle for each of {n_frames} frames x {n_views} "
            f"view{'s' * (n_views > 1)}, got {raw.size} of shape {raw.shape}"
        )
    angles = raw.astype(np.float64).reshape(frames_views)
    bad = np.argwhere(~np.isfinite(angles))
    if len(bad):
        raise ScanError(
            f"{path.name}: {name} must be finite, got {len(bad)} NaN or Inf values, the first at frame "
            f"{bad[0, 0]}, view {bad[0, 1]}"
        )
    radians, notes = in_radians(path, name, angles.ravel(), unit)
    if len(radians) > 2 and np.ptp(radians) == 0:
        raise ScanError(
            f"{path.name}: {name} must differ from projection to projection, got one angle in {len(radians)}"
        )
    return radians.reshape(frames_views), notes


def check_frame_geometry(path: Path, geometry: FrameGeometry, n_columns: int) -> tuple[str, ...]:
    """Notes on a geometry; raises ScanError if a length makes no sense."""
    if n_columns < FEWEST_COLUMNS:
        raise ScanError(f"{path.name}: samples must have at least {FEWEST_COLUMNS} columns, got {n_columns}")
    parallel = ScanGeometry(
        "parallel",
        geometry.angles_rad.ravel(),
        column_size_mm=geometry.column_size_mm,
        axis_column=geometry.axis_column,
    )
    return check_scan_geometry(path, parallel, n_columns)


def check_series_images(path: Path, shape: Sequence[int], samples_shape: Sequence[int]) -> None:
    """Raise ScanError unless ``shape`` is (item, frame, y, x) of samples (item, frame, view, column)."""
    if len(shape) != 4 or tuple(shape[:2]) != tuple(samples_shape[:2]) or 0 in shape:
        n_items, n_frames = samples_shape[:2]
        raise ScanError(
            f"{path.name}: reference must have shape ({n_items}, {n_frames}, y, x), got {tuple(shape)}"
        )


def checked_series(path: Path, series: DynamicSinogram, items: Sequence[int]) -> DynamicSinogram:
    """``series`` itself if sound; else ScanError naming the item, and the frame where one is at fault.

    ``items`` are the scan's numbers of the items read, for the message.
    """
    check_one_per_item(path, "labels", series.labels, len(series.samples))
    for number, samples in zip(items, series.samples, strict=True):
        _check_finite(path, number, samples)
        if not samples.any():
            raise ScanError(f"{path.name}: attenuation must hold signal, got only zeros in item {number}")
        problem = _not_line_integrals(samples) or turned("attenuation", samples)
        problem = problem or turned("attenuation", samples.reshape(-1, samples.shape[-1]))
        if problem:
            raise ScanError(f"{path.name}: attenuation {problem} (item {number})")
    if series.reference is not None:
        check_series_images(path, series.reference.shape, series.samples.shape)
        check_finite(path, "reference", series.reference)
    if series.image_pixel_mm is not None and not series.image_pixel_mm > 0:
        raise ScanError(f"{path.name}: image_pixel_mm must be positive, got {series.image_pixel_mm:g}")
    return series


def _check_finite(path: Path, item: int, samples: NDArray) -> None:
    bad = ~np.isfinite(samples)
    if bad.any():
        frames = np.flatnonzero(bad.any(axis=(1, 2)))
        where = f"frame {frames[0]}" if len(frames) == 1 else f"{len(frames)} frames from {frames[0]} on"
        raise ScanError(
            f"{path.name}: attenuation must be finite, got {int(bad.sum())} NaN or Inf samples in item "
            f"{item}, {where}"
        )


def _not_line_integrals(samples: NDArray) -> str | None:
    """What is wrong where the background is the brightest, or most values negative.

    Sizes are not judged: simulated series come in any unit, and the methods are told relative numbers.
    """
    low, high, edge = float(samples.min()), float(samples.max()), edge_value(samples)
    bright = float(np.quantile(samples, 0.9))
    if low > 0 and edge >= 0.95 * bright and low < 0.9 * edge:
        return (
            f"must be about 0 beside the object, got {edge:.3g} in the outermost columns and {low:.3g} to "
            f"{high:.3g} in all; transmission or counts, whose negative logarithm it is?"
        )
    mean = float(samples.mean(dtype=np.float64))
    if mean < -0.05 * max(high, -low):
        return (
            f"must be positive within the object, got the mean {mean:.4g}; is the logarithm's sign missing?"
        )
    return None
