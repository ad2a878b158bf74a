"""Checks that every CT reader's result passes before anyone computes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.validate import check_finite
from proxflow.data.validate_quantity import check_quantity

LENGTHS = ("column_size_mm", "row_size_mm", "source_origin_mm", "source_detector_mm")
# Axes of the samples by their number: a cone has rows within its items.
AXES = {3: ("item", "angle", "column"), 4: ("item", "row", "angle", "column")}
# Others are in another unit: columns of 1 nm are finer than optics resolve, those of 10 cm see nothing.
SMALLEST_COLUMN_MM = 1e-6
LARGEST_COLUMN_MM = 100.0
# Parallel rays come from synchrotrons (0.4 m at most) or are rebinned from clinical scans (1 m); columns may
# be counted as 1 mm each where their size is not known, and there are detectors of 16 384.
WIDEST_PARALLEL_MM = 20_000.0
# Width of the detector by its distance from the source: fans of 127 degrees, and of 0.01 degrees: a small
# detector far down a beamline has 0.02, a length in metres makes wide fans narrower still.
WIDEST_DETECTOR = 4.0
NARROWEST_DETECTOR = 2e-4


def check_real(path: Path, name: str, dtype: np.dtype) -> None:
    """Raise ScanError unless ``dtype`` is of real floating or integer numbers."""
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise ScanError(f"{path.name}: {name} must be real floats or integers, got {dtype}")


def check_field_shape(path: Path, name: str, shape: tuple[int, ...], samples_shape: tuple[int, ...]) -> None:
    """Raise ScanError unless ``shape`` is that of the samples with any number of frames for angles."""
    wanted = (*samples_shape[:-2], samples_shape[-1])
    if len(shape) != len(samples_shape) or (*shape[:-2], shape[-1]) != wanted or shape[-2] == 0:
        expected = ", ".join([*map(str, samples_shape[:-2]), "n", str(samples_shape[-1])])
        raise ScanError(f"{path.name}: {name} must have shape ({expected}), got {tuple(shape)}")


def check_scan_geometry(
    path: Path, geometry: ScanGeometry, n_columns: int, names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Notes on a geometry; raises ScanError if its lengths contradict each other or its beam.

    ``names`` are what the file calls the geometry's fields, where they differ.
    """
    called = {name: (names or {}).get(name, name) for name in LENGTHS}
    lengths = {name: getattr(geometry, name) for name in LENGTHS}
    for name, value in lengths.items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ScanError(f"{path.name}: {called[name]} must be positive, got {value:g} mm")
    if geometry.beam != "parallel":
        needed = [name for name in LENGTHS if name != "row_size_mm"]
        missing = [called[name] for name in needed if lengths[name] is None]
        if missing:
            wanted = ", ".join(called[name] for name in needed)
            raise ScanError(
                f"{path.name}: a {geometry.beam} beam must state {wanted}, got none for {', '.join(missing)}"
            )
    origin, detector = geometry.source_origin_mm, geometry.source_detector_mm
    if origin is not None and detector is not None and origin >= detector:
        raise ScanError(
            f"{path.name}: {called['source_origin_mm']} must be less than {called['source_detector_mm']}, "
            f"got {origin:g} and {detector:g} mm"
        )
    _check_detector(path, geometry, n_columns, called)
    axis = geometry.axis_column
    if axis is None:
        return ()
    if not np.isfinite(axis) or not -n_columns <= axis <= 2 * n_columns:
        raise ScanError(
            f"{path.name}: axis_column must be near the columns 0 to {n_columns - 1}, got {axis:g}"
        )
    if not 0 <= axis <= n_columns - 1:
        return (f"The axis of rotation projects beside the detector, onto column {axis:g} of {n_columns}.",)
    return ()


def _check_detector(path: Path, geometry: ScanGeometry, n_columns: int, called: Mapping[str, str]) -> None:
    """Raise ScanError where columns, detector and its distance cannot all be in millimetres."""
    column, distance = geometry.column_size_mm, geometry.source_detector_mm
    for key, size in (("column_size_mm", column), ("row_size_mm", geometry.row_size_mm)):
        if size is not None and not SMALLEST_COLUMN_MM <= size <= LARGEST_COLUMN_MM:
            raise ScanError(
                f"{path.name}: {called[key]} must be {SMALLEST_COLUMN_MM:g} to {LARGEST_COLUMN_MM:g} mm, got "
                f"{size:g} mm; is it in another unit?"
            )
    if column is None:
        return
    name, width = called["column_size_mm"], n_columns * column
    if distance is None:
        if width > WIDEST_PARALLEL_MM:
            raise ScanError(
                f"{path.name}: {name} must make a detector of at most {WIDEST_PARALLEL_MM:g} mm, got "
                f"{column:g} mm for each of {n_columns} columns; is it in another unit?"
            )
        return
    if width > WIDEST_DETECTOR * distance:
        raise ScanError(
            f"{path.name}: {called['source_detector_mm']} must be at least {width / WIDEST_DETECTOR:.4g} mm "
            f"for a detector {width:.4g} mm wide, got {distance:g} mm; is one of them in another unit?"
        )
    if width < NARROWEST_DETECTOR * distance:
        raise ScanError(
            f"{path.name}: {called['source_detector_mm']} must be at most {width / NARROWEST_DETECTOR:.4g} "
            f"mm for a detector {width:.4g} mm wide, got {distance:g} mm; is one of them in another unit, or "
            "the beam parallel?"
        )


def checked_sinogram(path: Path, sinogram: Sinogram, items: Sequence[int]) -> Sinogram:
    """``sinogram`` itself if sound; else ScanError naming the item, and the angle where one is at fault.

    ``items`` are the scan's numbers of the items read, for the message.
    """
    for number, samples in zip(items, sinogram.samples, strict=True):
        _check_finite(path, sinogram.quantity, number, samples)
        if not samples.any():
            raise ScanError(
                f"{path.name}: {sinogram.quantity} must hold signal, got only zeros in item {number}"
            )
    for name, array in (("dark", sinogram.dark), ("flat", sinogram.flat), ("reference", sinogram.reference)):
        if array is not None:
            check_finite(path, name, array)
    for i, number in enumerate(items):
        flat = None if sinogram.flat is None else sinogram.flat[i]
        check_quantity(path, sinogram.quantity, number, sinogram.samples[i], flat)
        if sinogram.dark is not None and sinogram.flat is not None:
            dark, flat = float(sinogram.dark[i].mean()), float(sinogram.flat[i].mean())
            if flat <= dark:
                raise ScanError(
                    f"{path.name}: flat must be brighter than dark, got means {flat:.4g} and {dark:.4g} in "
                    f"item {number}; swapped, or a row outside the beam, which scan.items may leave out"
                )
    return sinogram


def _check_finite(path: Path, name: str, item: int, samples: NDArray) -> None:
    if samples.dtype.kind != "f":
        return
    # A sum is NaN or Inf if any term is: one pass without a temporary array, exact test only if needed.
    with np.errstate(over="ignore", invalid="ignore"):
        total = samples.sum(dtype=np.float64)
    if np.isfinite(total):
        return
    bad = ~np.isfinite(samples)
    angles = np.flatnonzero(bad.any(axis=tuple(i for i in range(bad.ndim) if i != bad.ndim - 2)))
    if len(angles) == 0:
        return  # finite samples whose sum overflowed
    where = f"angle {angles[0]}" if len(angles) == 1 else f"{len(angles)} angles from {angles[0]} on"
    raise ScanError(
        f"{path.name}: {name} must be finite, got {int(bad.sum())} NaN or Inf samples in item {item}, {where}"
    )
