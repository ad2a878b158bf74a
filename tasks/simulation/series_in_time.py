"""A few images as many frames in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator


def interpolated_in_time(images: NDArray[np.floating], n_frames: int) -> NDArray[np.float64]:
    """Frame t of T shows the series at (N - 1) t/T of its N images, by monotone cubics in every pixel.

    No frame overshoots the images before and after it, so none is negative where these are not; nothing is
    registered, so that what moved between two images fades from one place to the other. One image: T copies.

    Args:
        images: real (N, y, x), evenly spaced in time.

    Returns:
        (T, y, x); frame q of T is frame k q of k T.

    Raises ValueError if an argument does not fit.
    """
    if images.ndim != 3 or 0 in images.shape or n_frames < 1:
        raise ValueError(
            f"images must have axes (time, y, x) and n_frames be at least 1, got {images.shape}, {n_frames}"
        )
    if len(images) == 1:
        return np.repeat(images.astype(np.float64), n_frames, axis=0)
    at = (len(images) - 1) * np.arange(n_frames) / n_frames
    return np.asarray(PchipInterpolator(np.arange(len(images)), images, axis=0)(at))


def smooth_phase(size: int) -> NDArray[np.float64]:
    """A phase of about -1 to 1 rad (y, x), as an inhomogeneous main field gives: two slow waves across."""
    y, x = np.meshgrid(*(2 * np.linspace(-1, 1, size),) * 2, indexing="ij")
    return np.asarray(0.6 * np.sin(0.8 * x + 0.5 * y) + 0.4 * np.cos(0.9 * y - 0.3 * x))
