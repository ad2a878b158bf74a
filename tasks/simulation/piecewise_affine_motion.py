"""A still image bent by waves that grow: the moving phantom of the RED-PSM authors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from skimage.transform import warp

MESH = 20  # points along each side
TURNS = 3 * np.pi  # u over all points of the mesh
SQUEEZE = 1.5
SHIFT = 12 / 64  # of the image's height: brings the squeezed object back to the middle


def piecewise_affine_motion(
    image: NDArray[np.floating], n_frames: int, *, amplitude: float = 2.0, squeeze: bool = True
) -> NDArray[np.float64]:
    """Frames t = 0 .. T-1 of ``image`` seen through a piecewise affine map that bends more and more:

        frame_t(row, col) = image(row', col),   row' = 1.5 (row - a_t (J/64) sin u) - 12 J/64,

    on the points of a 20 x 20 mesh over the image of J rows, u rising evenly from 0 to 3 pi over the points
    (down each column of the mesh, column after column), affine on the triangles between, a_t = amplitude t/T.

    Frame q of a series of T is frame k q of one of k T. ``squeeze=False`` leaves out the factor 1.5 and the
    shift, which press the object to two thirds of its height; then amplitude 0 gives the image itself.

    Args:
        image: real (y, x), any unit; outside it is 0.
        amplitude: a at the end of the series, in rows of an image of 64.

    Returns:
        (T, y, x), interpolated bilinearly, so never outside the range of ``image`` and 0.

    Raises ValueError if an argument does not fit. Source: the warp of the successor's released code, after
    scikit-image's example of ``PiecewiseAffineTransform``. It does not tell how a varies: the ramp is ours.
    """
    if image.ndim != 2 or min(image.shape) < 2 or not np.isfinite(image).all():
        raise ValueError(f"image must be finite with axes (y, x), got shape {image.shape}")
    if n_frames < 1:
        raise ValueError(f"n_frames must be at least 1, got {n_frames}")
    if not np.isfinite(amplitude):
        raise ValueError(f"amplitude must be finite, got {amplitude}")
    height = image.shape[0]
    rows, columns = np.meshgrid(np.arange(height, dtype=np.float64), np.arange(image.shape[1]), indexing="ij")
    bend = _wave(image.shape) * (height / 64)
    frames = np.empty((n_frames, *image.shape))
    for t, frame in enumerate(frames):
        source = rows - amplitude * t / n_frames * bend
        if squeeze:
            source = SQUEEZE * source - SHIFT * height
        frame[:] = warp(image.astype(np.float64), np.stack([source, columns]), order=1)
    return frames


def _wave(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """sin u at every pixel (y, x). The map is linear in a, so one triangulation serves all frames."""
    rows, columns = np.meshgrid(np.linspace(0, shape[0], MESH), np.linspace(0, shape[1], MESH))
    points = np.stack([columns.ravel(), rows.ravel()], axis=1)
    heights = np.sin(np.linspace(0, TURNS, len(points)))
    pixels = np.indices(shape).reshape(2, -1)[::-1].T  # (x, y)
    found = LinearNDInterpolator(points, heights)(pixels)  # a Delaunay triangulation, as scikit-image's
    return np.asarray(found.reshape(shape), dtype=np.float64)
