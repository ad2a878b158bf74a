"""Checks that every non-Cartesian MRI reader's result passes before anyone computes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.validate import check_complex, check_mri_companions, check_one_per_item, check_shape

AXES = "(item, coil, spoke, readout)"
SMALLEST_REACH = 4.0  # cycles per field of view that pi can be told from, as the reach of radians


def check_radial_samples(path: Path, name: str, shape: Sequence[int], dtype: np.dtype) -> None:
    """Raise ScanError unless samples are complex (item, coil, spoke, readout)."""
    check_complex(path, name, dtype)
    check_shape(path, name, shape, AXES)


def check_trajectory_shape(
    path: Path, shape: Sequence[int], dtype: np.dtype, samples_shape: Sequence[int]
) -> None:
    """Raise ScanError unless the trajectory is real (spoke, readout, 2) of samples (…, spoke, readout)."""
    if dtype.kind != "f" or dtype.itemsize not in (4, 8):
        raise ScanError(f"{path.name}: trajectory must be float32 or float64, got {dtype}")
    n_spokes, n_readout = samples_shape[-2:]
    found, expected = tuple(shape), (n_spokes, n_readout, 2)
    if found != expected:
        swapped = sorted(found) == sorted(expected)
        hint = " (axes swapped?)" if swapped else ""
        if len(found) == 3 and found[-1] == 3:
            hint = " (a 3-D trajectory?)"
        raise ScanError(
            f"{path.name}: trajectory must have axes (spoke, readout, 2) of shape {expected} as the samples, "
            f"got {found}{hint}"
        )


def check_trajectory(path: Path, trajectory: NDArray[np.floating], matrix: tuple[int, int]) -> None:
    """Raise ScanError unless (ky, kx) is finite and in cycles per field of view of ``matrix`` (y, x).

    An image of n pixels holds frequencies up to n / 2; one sample more is let pass. The sentence names
    the unit that values out of that range, or far too small, are likely in.
    """
    bad = ~np.isfinite(trajectory)
    if bad.any():
        spoke, readout, _ = np.argwhere(bad)[0]
        raise ScanError(
            f"{path.name}: trajectory must be finite, got {int(bad.sum())} NaN or Inf values, the first at "
            f"spoke {spoke}, readout {readout}"
        )
    reach = np.abs(trajectory).reshape(-1, 2).max(axis=0)
    limit = np.array(matrix) / 2
    if (reach > limit + 1).any():
        raise ScanError(
            f"{path.name}: trajectory must be in cycles per field of view, within {limit.tolist()} (ky, kx) "
            f"for the matrix {tuple(matrix)}, got up to {reach.round(2).tolist()} "
            f"({_too_large(reach, limit)})"
        )
    highest = float(reach.max())
    if highest == 0:
        raise ScanError(f"{path.name}: trajectory must leave the centre of k-space, got only zeros")
    if float(limit.max()) > SMALLEST_REACH and highest <= 1.01 * np.pi:
        unit = "cycles/sample" if highest <= 0.51 else "rad/sample" if highest > 1.5 else "another unit"
        raise ScanError(
            f"{path.name}: trajectory must be in cycles per field of view, up to about {limit.max():g}, got "
            f"up to {highest:.4g}, which looks like {unit}"
        )


def checked_radial(path: Path, kspace: RadialKSpace, items: Sequence[int]) -> RadialKSpace:
    """``kspace`` itself if sound; else ScanError naming the item, the coil and the count.

    ``items`` are the scan's numbers of the items read, for the message.
    """
    samples = kspace.samples
    check_radial_samples(path, "kspace", samples.shape, samples.dtype)
    check_trajectory_shape(path, kspace.trajectory.shape, kspace.trajectory.dtype, samples.shape)
    check_trajectory(path, kspace.trajectory, kspace.geometry.matrix)
    check_one_per_item(path, "labels", kspace.labels, len(samples))
    if kspace.geometry.slices:
        check_one_per_item(path, "slices", kspace.geometry.slices, len(samples))
    for number, item in zip(items, samples, strict=True):
        bad = ~np.isfinite(item)
        if bad.any():
            coil, spoke, _ = np.argwhere(bad)[0]
            raise ScanError(
                f"{path.name}: kspace must be finite, got {int(bad.sum())} NaN or Inf samples in item "
                f"{number}, the first in coil {coil}, spoke {spoke}"
            )
        if not item.any():
            raise ScanError(f"{path.name}: kspace must hold signal, got only zeros in item {number}")
        if not item.imag.any():
            raise ScanError(
                f"{path.name}: kspace must be complex, got only real values in item {number} "
                "(magnitude only?)"
            )
    check_mri_companions(path, kspace.noise, kspace.reference, samples.shape)
    return kspace


def _too_large(reach: NDArray[np.floating], limit: NDArray[np.floating]) -> str:
    times = float((reach / limit).max())
    if 1.8 <= times <= 2.2:
        return "cycles per twice the field of view, as of an oversampled readout, or a matrix half as large?"
    return "cycles or radians per metre?" if times > 2.2 else "a matrix too small?"
