"""Checks that every series of MRI frames passes before anyone computes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.errors import ScanError
from proxflow.data.validate import check_complex, check_finite, check_noise, check_one_per_item, check_shape
from proxflow.data.validate_radial import check_trajectory

AXES = {True: "(item, frame, coil, spoke, readout)", False: "(item, frame, coil, ky, kx)"}


def check_series_samples(path: Path, shape: Sequence[int], dtype: np.dtype, *, spokes: bool) -> None:
    """Raise ScanError unless samples are complex with the five axes of spokes, or of a grid."""
    check_complex(path, "kspace", dtype)
    if len(shape) == 4:
        raise ScanError(
            f"{path.name}: kspace must have axes {AXES[spokes]}, got shape {tuple(shape)} "
            "(frame or item axis missing?)"
        )
    check_shape(path, "kspace", shape, AXES[spokes])


def check_frame_trajectory_shape(
    path: Path, shape: Sequence[int], dtype: np.dtype, samples_shape: Sequence[int]
) -> None:
    """Raise ScanError unless the trajectory is real (frame, spoke, readout, 2) of these samples."""
    if dtype.kind != "f" or dtype.itemsize not in (4, 8):
        raise ScanError(f"{path.name}: trajectory must be float32 or float64, got {dtype}")
    expected = (samples_shape[1], *samples_shape[3:], 2)
    if tuple(shape) != expected:
        hint = " (axes swapped?)" if sorted(shape) == sorted(expected) else ""
        hint = " (the frame axis is missing?)" if tuple(shape) == expected[1:] else hint
        raise ScanError(
            f"{path.name}: trajectory must have axes (frame, spoke, readout, 2) of shape {expected} as the "
            f"samples, got {tuple(shape)}{hint}"
        )


def check_frame_mask(
    path: Path, shape: Sequence[int], dtype: np.dtype, samples_shape: Sequence[int], *, spokes: bool
) -> None:
    """Raise ScanError unless the mask is bool (frame, spoke), or (frame, ky, kx) without spokes."""
    expected = (samples_shape[1], samples_shape[3]) if spokes else (samples_shape[1], *samples_shape[3:])
    axes = "(frame, spoke)" if spokes else "(frame, ky, kx)"
    if dtype != np.bool_:
        raise ScanError(f"{path.name}: mask must be bool, got {dtype}")
    if tuple(shape) != expected:
        raise ScanError(
            f"{path.name}: mask must have axes {axes} of shape {expected} as the samples, got {tuple(shape)}"
        )


def check_series_maps(
    path: Path, shape: Sequence[int], dtype: np.dtype, samples_shape: Sequence[int], image: tuple[int, int]
) -> None:
    """Raise ScanError unless coil maps are complex (item or 1, coil, y, x) of the image's size."""
    check_complex(path, "coil_maps", dtype)
    n_items, n_coils = samples_shape[0], samples_shape[2]
    if tuple(shape) not in {(n, n_coils, *image) for n in (1, n_items)}:
        first = f"{n_items} or 1" if n_items > 1 else "1"
        raise ScanError(
            f"{path.name}: coil_maps must have shape ({first}, {n_coils}, {image[0]}, {image[1]}), "
            f"got {tuple(shape)}"
        )


def check_series_reference(path: Path, shape: Sequence[int], samples_shape: Sequence[int]) -> None:
    """Raise ScanError unless the reference is (item, frame, y, x) with an image for each frame."""
    if len(shape) != 4 or tuple(shape[:2]) != tuple(samples_shape[:2]) or 0 in shape:
        expected = f"({samples_shape[0]}, {samples_shape[1]}, y, x)"
        raise ScanError(
            f"{path.name}: reference must have axes (item, frame, y, x) of shape {expected}, "
            f"got {tuple(shape)}"
        )


def check_frame_labels(path: Path, labels: Sequence[str], n_frames: int) -> None:
    """Raise ScanError unless there are no labels of frames, or one for each."""
    if labels and len(labels) != n_frames:
        raise ScanError(f"{path.name}: frame_labels must name {n_frames} frames, got {len(labels)}")


def checked_series(path: Path, kspace: DynamicKSpace, items: Sequence[int]) -> DynamicKSpace:
    """``kspace`` itself if sound; else ScanError naming the item, the frame, the coil and the count.

    ``items`` are the scan's numbers of the items read, for the message.
    """
    samples, spokes = kspace.samples, kspace.trajectory is not None
    shape = samples.shape
    check_series_samples(path, shape, samples.dtype, spokes=spokes)
    if kspace.trajectory is not None:
        check_frame_trajectory_shape(path, kspace.trajectory.shape, kspace.trajectory.dtype, shape)
        check_frame_trajectory(path, kspace.trajectory, kspace.geometry.matrix)
    if kspace.mask is not None:
        check_frame_mask(path, kspace.mask.shape, kspace.mask.dtype, shape, spokes=spokes)
    _check_sampled(path, kspace, items)
    check_one_per_item(path, "labels", kspace.labels, shape[0])
    check_frame_labels(path, kspace.frame_labels, shape[1])
    if kspace.geometry.slices:
        check_one_per_item(path, "slices", kspace.geometry.slices, shape[0])
    if kspace.noise is not None:
        check_noise(path, kspace.noise.shape, kspace.noise.dtype, shape[2])
    if kspace.coil_maps is not None:
        image = kspace.geometry.matrix if spokes else (shape[3], shape[4])
        check_series_maps(path, kspace.coil_maps.shape, kspace.coil_maps.dtype, shape, image)
    if kspace.reference is not None:
        check_series_reference(path, kspace.reference.shape, shape)
    for name in ("noise", "coil_maps", "reference"):
        array = getattr(kspace, name)
        if array is not None:
            check_finite(path, name, array)
    return kspace


def check_frame_trajectory(path: Path, trajectory: np.ndarray, matrix: tuple[int, int]) -> None:
    """As ``check_trajectory``, of all frames."""
    bad = ~np.isfinite(trajectory)
    if bad.any():
        frame, spoke, readout, _ = np.argwhere(bad)[0]
        raise ScanError(
            f"{path.name}: trajectory must be finite, got {int(bad.sum())} NaN or Inf values, the first at "
            f"frame {frame}, spoke {spoke}, readout {readout}"
        )
    check_trajectory(path, trajectory.reshape(-1, *trajectory.shape[2:]), matrix)


def _check_sampled(path: Path, kspace: DynamicKSpace, items: Sequence[int]) -> None:
    views: NDArray[np.bool_] = kspace.views
    if not views.any():
        raise ScanError(f"{path.name}: mask must sample something, got no sample in any frame")
    measured = [bool(frame.any()) for frame in views]
    for number, series in zip(items, kspace.samples, strict=True):
        for frame, samples in enumerate(series):
            bad: NDArray[np.intp] = np.argwhere(~np.isfinite(samples))
            if len(bad):
                raise ScanError(
                    f"{path.name}: kspace must be finite, got {len(bad)} NaN or Inf samples in item "
                    f"{number}, frame {frame}, the first in coil {bad[0][0]}"
                )
            if measured[frame] and not samples.any():
                raise ScanError(
                    f"{path.name}: kspace must hold signal, got only zeros in item {number}, frame {frame}"
                )
        if not series.imag.any():
            raise ScanError(
                f"{path.name}: kspace must be complex, got only real values in item {number} "
                "(magnitude only?)"
            )
