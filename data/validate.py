"""Checks that every reader's result passes before anyone computes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.kspace import KSpace

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
    for name, array in (("noise", kspace.noise), ("reference", kspace.reference)):
        if array is not None and not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).sum())
            raise ScanError(f"{path.name}: {name} must be finite, got {bad} NaN or Inf values")
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
