"""A volume as three pictures: maximum-intensity projections along its axes."""

from __future__ import annotations

import numpy as np

MOST_PIXELS = 1024  # along a side; a finer volume is thinned
LABELS = (
    "maximum along z (y down, x across)",
    "maximum along y (z down, x across)",
    "maximum along x (z down, y across)",
)


def view_size(shape: tuple[int, int, int], voxel_mm: tuple[float, float, float]) -> int:
    """Pixels along a side of the views of a volume (z, y, x)."""
    return max(_lengths(shape, voxel_mm))


def volume_views(
    volume: np.ndarray, voxel_mm: tuple[float, float, float]
) -> tuple[np.ndarray, tuple[str, str, str]]:
    """Maxima along z, y and x of a real ``volume`` (z, y, x), no value below 0, and the name of each.

    Returns float32 (view, n, n): rows are the first remaining axis, columns the second, the index
    increasing downwards and to the right. Pixels are square, their edge the finest of the voxel's
    (z, y, x), at least 1/1024 of the longest side of the volume; values between voxel centres are
    interpolated linearly. Each view is centred on zeros.
    Raises ValueError for other axes, complex or negative values, and edges that are not positive.
    """
    if volume.ndim != 3 or 0 in volume.shape or np.iscomplexobj(volume):
        raise ValueError(f"volume must be real (z, y, x), got {volume.dtype} of shape {volume.shape}")
    if volume.min() < 0:
        raise ValueError(f"volume must not be below 0, got {volume.min()}")
    lengths = _lengths((volume.shape[0], volume.shape[1], volume.shape[2]), voxel_mm)
    size = max(lengths)
    views = np.zeros((3, size, size), dtype=np.float32)
    for view, axis in enumerate(range(3)):
        rows, columns = (k for k in range(3) if k != axis)
        picture = _resampled(volume.max(axis=axis), lengths[rows], 0)
        picture = _resampled(picture, lengths[columns], 1)
        top, left = (size - picture.shape[0]) // 2, (size - picture.shape[1]) // 2
        views[view, top:, left:][: picture.shape[0], : picture.shape[1]] = picture
    return views, LABELS


def _lengths(shape: tuple[int, int, int], voxel_mm: tuple[float, float, float]) -> tuple[int, ...]:
    """Pixels along z, y and x."""
    if len(voxel_mm) != 3 or not all(edge > 0 for edge in voxel_mm):
        raise ValueError(f"voxel_mm must be three edges above 0, got {voxel_mm}")
    sides = [count * edge for count, edge in zip(shape, voxel_mm, strict=True)]
    pixel = max(min(voxel_mm), max(sides) / MOST_PIXELS)
    return tuple(max(1, round(side / pixel)) for side in sides)


def _resampled(picture: np.ndarray, length: int, axis: int) -> np.ndarray:
    """``length`` pixels over the same extent along ``axis``, interpolated between pixel centres."""
    count = picture.shape[axis]
    place = np.clip((np.arange(length) + 0.5) * count / length - 0.5, 0, count - 1)
    lower = np.minimum(place.astype(int), max(count - 2, 0))
    weight = np.expand_dims((place - lower).astype(np.float32), 1 - axis)
    upper = np.minimum(lower + 1, count - 1)
    return picture.take(lower, axis) * (1 - weight) + picture.take(upper, axis) * weight
