"""Checks that every reader's result passes before anyone computes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.kspace import KSpace

# Fields of view are larger, also those of most microscopy; smaller numbers are metres.
SMALLEST_VIEW_MM = 0.6
EXPECTED_AXES = "(item, coil, ky, kx)"


def check_shape(path: Path, name: str, shape: Sequence[int], axes: str = EXPECTED_AXES) -> None:
    """Raise ScanError unless ``shape`` has as many axes as ``axes`` names and none is empty."""
    if len(shape) != axes.count(",") + 1 - axes.endswith(",)"):
        raise ScanError(f"{path.name}: {name} must have axes {axes}, got shape {tuple(shape)}")
    if 0 in shape:
        raise ScanError(f"{path.name}: {name} must not be empty, got shape {tuple(shape)}")


def check_complex(path: Path, name: str, dtype: np.dtype) -> None:
    """Raise ScanError unless ``dtype`` is complex64 or complex128."""
    if dtype.kind != "c" or dtype.itemsize not in (8, 16):
        raise ScanError(f"{path.name}: {name} must be complex64 or complex128, got {dtype}")


def check_mask_shape(path: Path, shape: Sequence[int], samples_shape: Sequence[int]) -> None:
    """Raise ScanError unless ``shape`` is (item or 1, ky, kx) of samples (item, coil, ky, kx)."""
    n_items, _, ny, nx = samples_shape
    if len(shape) != 3 or shape[0] not in (1, n_items) or tuple(shape[1:]) != (ny, nx):
        expected = f"({n_items} or 1, {ny}, {nx})" if n_items > 1 else f"(1, {ny}, {nx})"
        raise ScanError(f"{path.name}: mask must have shape {expected}, got {tuple(shape)}")


def check_noise(path: Path, shape: Sequence[int], dtype: np.dtype, n_coils: int) -> None:
    """Raise ScanError unless noise is complex (coil, n) of ``n_coils`` coils."""
    check_complex(path, "noise", dtype)
    check_shape(path, "noise", shape, "(coil, sample)")
    if shape[0] != n_coils:
        raise ScanError(f"{path.name}: noise must have shape ({n_coils}, n), got {tuple(shape)}")


def check_images(path: Path, name: str, shape: Sequence[int], n_items: int) -> None:
    """Raise ScanError unless ``shape`` is (item, y, x) with an image for each item."""
    if len(shape) != 3 or shape[0] != n_items or 0 in shape:
        raise ScanError(f"{path.name}: {name} must have shape ({n_items}, y, x), got {tuple(shape)}")


def check_mri_companions(
    path: Path, noise: np.ndarray | None, reference: np.ndarray | None, samples_shape: Sequence[int]
) -> None:
    """Raise ScanError unless noise and reference, where there are any, fit samples (item, coil, ...)."""
    if noise is not None:
        check_noise(path, noise.shape, noise.dtype, samples_shape[1])
    if reference is not None:
        check_images(path, "reference", reference.shape, samples_shape[0])
    for name, array in (("noise", noise), ("reference", reference)):
        if array is not None:
            check_finite(path, name, array)


def check_finite(path: Path, name: str, array: np.ndarray) -> None:
    """Raise ScanError with the count of NaN and Inf values if there are any."""
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise ScanError(f"{path.name}: {name} must be finite, got {bad} NaN or Inf values")


def check_one_per_item(path: Path, name: str, values: Sequence[object], n_items: int) -> None:
    """Raise ScanError unless there is one value for each item."""
    if len(values) != n_items:
        raise ScanError(f"{path.name}: {name} must name {n_items} items, got {len(values)}")


def check_field_of_view(path: Path, field_of_view_mm: Sequence[float]) -> None:
    """Raise ScanError unless the (z, y, x) extent is of finite millimetres; an absent one may be 0."""
    if not np.isfinite(field_of_view_mm).all() or min(field_of_view_mm) < 0:
        raise ScanError(
            f"{path.name}: field of view must be finite and positive, got {tuple(field_of_view_mm)} mm "
            "(z, y, x)"
        )
    if 0 < max(field_of_view_mm[1:]) < SMALLEST_VIEW_MM:
        raise ScanError(
            f"{path.name}: field of view must be in mm, got {tuple(field_of_view_mm)} (z, y, x), which looks "
            "like metres"
        )


def check_declared_size(path: Path, name: str, nbytes: int, file_bytes: int) -> None:
    """Raise ScanError if a file declares more data than it can hold, before memory is asked for.

    The bound is deflate's best ratio, about 1032 to 1; a forged header of terabytes fails it.
    """
    if nbytes > 1100 * file_bytes:
        raise ScanError(
            f"{path.name}: {name} must fit its file, got {nbytes} declared bytes in a file of {file_bytes}"
        )


def check_magnitude(path: Path, samples: np.ndarray) -> None:
    """Raise ScanError where the samples' squares would vanish or overflow in single precision."""
    peak = np.abs(samples).max()
    if not 1e-14 < peak < 1e14:
        raise ScanError(
            f"{path.name}: samples must have their largest magnitude between 1e-14 and 1e14, got {peak:.3g}; "
            "scale the samples"
        )


def checked(path: Path, kspace: KSpace, items: Sequence[int]) -> KSpace:
    """``kspace`` itself if sound; else ScanError naming the item, the coil and the count.

    ``items`` are the scan's numbers of the items read, for the message.
    """
    check_mask_shape(path, kspace.mask.shape, kspace.samples.shape)
    check_one_per_item(path, "labels", kspace.labels, len(kspace.samples))
    if kspace.geometry.slices:
        check_one_per_item(path, "slices", kspace.geometry.slices, len(kspace.samples))
    for number, samples in zip(items, kspace.samples, strict=True):
        # A sum is NaN or Inf if any term is: one pass without a temporary array, exact test only if needed.
        with np.errstate(over="ignore", invalid="ignore"):
            total = samples.sum(dtype=np.complex128)
        if not np.isfinite(total):
            _refuse_non_finite(path, "kspace", number, samples)
        if not samples.any():
            raise ScanError(f"{path.name}: kspace must hold signal, got only zeros in item {number}")
    empty = np.flatnonzero(~kspace.mask.any(axis=(1, 2)))
    if len(empty):
        raise ScanError(f"{path.name}: mask must sample something, got no sample in item {items[empty[0]]}")
    check_mri_companions(path, kspace.noise, kspace.reference, kspace.samples.shape)
    return kspace


def _refuse_non_finite(path: Path, name: str, item: int, samples: np.ndarray) -> None:
    bad = ~np.isfinite(samples)
    if not bad.any():
        return  # finite samples whose sum overflowed
    coils = np.flatnonzero(bad.any(axis=(-2, -1)))
    where = f"coil {coils[0]}" if len(coils) == 1 else f"coils {', '.join(map(str, coils))}"
    raise ScanError(
        f"{path.name}: {name} must be finite, got {int(bad.sum())} NaN or Inf samples in item {item}, {where}"
    )
