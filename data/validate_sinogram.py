"""Checks that every CT reader's result passes before anyone computes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.sinogram import Quantity, ScanGeometry, Sinogram
from proxflow.data.validate import check_finite

# Axes of the samples by their number: a cone has rows within its items.
AXES = {3: ("item", "angle", "column"), 4: ("item", "row", "angle", "column")}
# Line integrals above 20 would mean transmissions below 2e-9; counts lie far above.
LARGEST_ATTENUATION = 20.0
# Larger ones are in another unit: detector columns of this size see nothing.
LARGEST_COLUMN_MM = 100.0
# Width of the widest detector by its distance from the source: a fan of 127 degrees.
WIDEST_DETECTOR = 4.0
# Share of a sinogram's samples at the largest number of their type that makes it saturated.
SATURATED = 0.05


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


def check_scan_geometry(path: Path, geometry: ScanGeometry, n_columns: int) -> tuple[str, ...]:
    """Notes on a geometry; raises ScanError if its lengths contradict each other or its beam."""
    lengths = {
        "column_size_mm": geometry.column_size_mm,
        "row_size_mm": geometry.row_size_mm,
        "source_origin_mm": geometry.source_origin_mm,
        "source_detector_mm": geometry.source_detector_mm,
    }
    for name, value in lengths.items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ScanError(f"{path.name}: {name} must be positive, got {value:g}")
    if geometry.beam != "parallel":
        needed = ["column_size_mm", "source_origin_mm", "source_detector_mm"]
        missing = [name for name in needed if lengths[name] is None]
        if missing:
            raise ScanError(
                f"{path.name}: a {geometry.beam} beam must state {', '.join(needed)}, got none for "
                f"{', '.join(missing)}"
            )
    origin, detector = geometry.source_origin_mm, geometry.source_detector_mm
    if origin is not None and detector is not None and origin >= detector:
        raise ScanError(
            f"{path.name}: source_origin_mm must be less than source_detector_mm, got {origin:g} and "
            f"{detector:g}"
        )
    column = geometry.column_size_mm
    if column is not None and column > LARGEST_COLUMN_MM:
        raise ScanError(
            f"{path.name}: column_size_mm must be at most {LARGEST_COLUMN_MM:g}, got {column:g}; is it in "
            "another unit?"
        )
    if column is not None and detector is not None and n_columns * column > WIDEST_DETECTOR * detector:
        widest = n_columns * column
        raise ScanError(
            f"{path.name}: source_detector_mm must be at least {widest / WIDEST_DETECTOR:.4g} for a detector "
            f"{widest:.4g} mm wide, got {detector:g}; is one of them in another unit?"
        )
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
        check_quantity(path, sinogram.quantity, number, sinogram.samples[i])
        if sinogram.dark is not None and sinogram.flat is not None:
            dark, flat = float(sinogram.dark[i].mean()), float(sinogram.flat[i].mean())
            if flat <= dark:
                raise ScanError(
                    f"{path.name}: flat must be brighter than dark, got means {flat:.4g} and {dark:.4g} in "
                    f"item {number}; the two may be swapped"
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


def check_quantity(path: Path, quantity: Quantity, item: int, samples: NDArray) -> None:
    """Raise ScanError where the values of one item, finite, (..., angle, column), contradict ``quantity``.

    Told apart by dtype, size, sign and the background at the detector's outermost columns: 0 for an
    attenuation, the brightest samples for counts and transmissions.
    """
    problem = {"counts": _not_counts, "transmission": _not_transmission, "attenuation": _not_attenuation}[
        quantity
    ](samples)
    if problem:
        raise ScanError(f"{path.name}: {quantity} {problem} in item {item}")


def edge_value(samples: NDArray) -> float:
    """Median of the outermost columns, at least one on either side: the background if the object fits."""
    width = max(1, samples.shape[-1] // 50)
    return float(np.median(np.concatenate([samples[..., :width], samples[..., -width:]], axis=-1)))


def field_of_view_notes(sinogram: Sinogram) -> tuple[str, ...]:
    """A note for every item whose object seems to reach beyond the detector (attenuation only)."""
    if sinogram.quantity != "attenuation":
        return ()
    notes = []
    for label, samples in zip(sinogram.labels, sinogram.samples, strict=True):
        edge, peak = edge_value(samples), float(np.quantile(samples, 0.99))
        if edge > 0.1 * peak:
            notes.append(
                f"{label}: the object seems to reach beyond the detector (the outermost columns hold "
                f"{edge:.3g} of {peak:.3g})."
            )
    return tuple(notes)


def _not_counts(samples: NDArray) -> str | None:
    low, high = float(samples.min()), float(samples.max())
    if samples.dtype.kind == "f" and high < LARGEST_ATTENUATION:
        return (
            f"must be detector counts, got floats from {low:.3g} to {high:.3g}, which look like a "
            "transmission or an attenuation"
        )
    if low < -0.1 * high:
        return f"must not be negative, got values down to {low:.4g} (the largest is {high:.4g})"
    if samples.dtype.kind in "iu" and samples.dtype.itemsize <= 4:
        limit = np.iinfo(samples.dtype).max
        share = float(np.count_nonzero(samples == limit)) / samples.size
        if share > SATURATED:
            return (
                f"must be below the detector's limit, got {share:.0%} of the samples at {limit} (saturated)"
            )
    return None


def _not_transmission(samples: NDArray) -> str | None:
    middle, edge = float(np.median(samples)), edge_value(samples)
    if samples.dtype.kind in "iu" or middle > 2:
        return f"must be ratios I / I0 of 0 to 1, got {samples.dtype} with the median {middle:.4g}; counts?"
    bright = float(np.quantile(samples, 0.95))
    if edge < 0.05 * bright:
        return (
            f"must be about 1 beside the object, got {edge:.3g} in the outermost columns and up to "
            f"{bright:.3g} elsewhere; attenuation?"
        )
    return None


def _not_attenuation(samples: NDArray) -> str | None:
    if samples.dtype.kind in "iu":
        return f"must be line integrals in floats, got {samples.dtype} up to {samples.max()}; counts?"
    middle, edge = float(np.median(samples)), edge_value(samples)
    low, high = float(samples.min()), float(samples.max())
    if middle > LARGEST_ATTENUATION:
        return (
            f"must be line integrals (-log of the transmission), got the median {middle:.4g}; counts, or "
            "logarithms of another kind?"
        )
    bright = float(np.quantile(samples, 0.9))
    if low > 0 and high <= 1.2 and edge > 0.85 and edge >= 0.95 * bright and low < 0.9 * edge:
        return (
            f"must be about 0 beside the object, got {edge:.3g} in the outermost columns and {low:.3g} to "
            f"{high:.3g} in all; transmission?"
        )
    mean = float(samples.mean(dtype=np.float64))
    if mean < -0.05 * max(high, -low):
        return (
            f"must be positive within the object, got the mean {mean:.4g}; is the logarithm's sign missing?"
        )
    return None
