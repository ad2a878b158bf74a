"""An image, or a series of images, that breathes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter

Still = Literal["bottom", "top", "ends"]
RIGID = 0.3  # of the object's height beside the still edge does not move: spine and back, or the lungs' tips
WIDENING = 0.3  # of the amplitude: how far the sides move outwards
BODY = 0.05  # of the maximum: what counts as the object
LARGEST = 0.25  # of the rows: beyond a third the map would fold
HARMONICS = 3


def breathing_motion(
    image: NDArray[np.floating],
    n_frames: int,
    *,
    amplitude: float,
    cycles: float = 2.0,
    still: Still = "bottom",
    irregularity: float = 0.0,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Frames t = 0 .. T-1 of a body that breathes, b_t going from 0 (out) to 1 (in) and back in each cycle:

        frame_t(row, col) = image(row - b_t amplitude g(row), col - b_t w amplitude h(row) c(col)).

    With ``still="bottom"`` (an axial slice: the back lies on a table) g rises smoothly from 0 in the lowest
    30 % of the object's rows to -1 at its top, which moves up; the sides move outwards, w = 0.3, by
    h = sin^2(pi d), d from 0 to 1 over the object's height, c from -1 to 1 over its width. With "top" (a
    coronal slice of the chest: the diaphragm is below) g rises from 0 in the upper 30 % to 1 at the bottom,
    which moves down. With "ends" (a coronal slice of the abdomen) g = sin^2(pi d) over the whole image, all
    moves down, most in the middle, and w = 0.

    b_t = s (1 - cos p) / 2 of the time t/T: p = 2 pi cycles t/T, s = 1, or with ``irregularity`` e both
    disturbed by slow waves drawn from ``seed`` (s between 1 - e and 1, p by up to e/2 rad), from 0 at t = 0.
    So frame q of a series of T is frame k q of one of k T, and the first is the image itself.

    Args:
        image: real, not negative, (y, x), or (T, y, x) where it also changes otherwise.
        amplitude: the largest shift in rows, at most a quarter of them; 0 for no motion.
        cycles: breaths during the series. irregularity: 0 to 1.

    Returns:
        (T, y, x), cubic splines clipped to the range of each image, so never negative.

    Raises ValueError if an argument does not fit.
    """
    _check(image, n_frames, amplitude, cycles, still, irregularity)
    breath = breathing_curve(n_frames, cycles, irregularity, seed)
    body = image if image.ndim == 2 else image.max(axis=0)
    down, out = _displacement(body, still)
    rows, columns = np.indices(body.shape, dtype=np.float64)
    frames = np.empty((n_frames, *body.shape))
    coefficients = None
    for t, frame in enumerate(frames):
        source = image if image.ndim == 2 else image[t]
        if coefficients is None or image.ndim == 3:
            coefficients = spline_filter(source.astype(np.float64), order=3, mode="mirror")
        at = np.stack([rows - amplitude * breath[t] * down, columns - amplitude * breath[t] * out])
        map_coordinates(coefficients, at, order=3, mode="mirror", prefilter=False, output=frame)
        np.clip(frame, source.min(), source.max(), out=frame)
    return frames


def breathing_curve(
    n_frames: int, cycles: float, irregularity: float = 0.0, seed: int = 0
) -> NDArray[np.float64]:
    """b_t of ``breathing_motion``, (T,), 0 to 1."""
    time = np.arange(n_frames) / n_frames
    phase, depth = 2 * np.pi * cycles * time, np.ones(n_frames)
    if irregularity:
        rng = np.random.default_rng(seed)
        phase = phase + irregularity * _slow_wave(time, rng) / 4
        depth = 1 - irregularity * (1 + _slow_wave(time, rng) / 2) / 2
    return np.asarray(depth * (1 - np.cos(phase)) / 2, dtype=np.float64)


def _slow_wave(time: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth function of the time between -2 and 2, 0 at time 0: up to three waves in the series."""
    offsets = rng.uniform(0, 2 * np.pi, HARMONICS)[:, None]
    weights = rng.dirichlet(np.ones(HARMONICS))
    turns = 2 * np.pi * np.arange(1, HARMONICS + 1)[:, None] * time
    return np.asarray(weights @ (np.sin(turns + offsets) - np.sin(offsets)), dtype=np.float64)


def _displacement(body: NDArray[np.floating], still: Still) -> tuple[NDArray, NDArray]:
    """How far the rows move down and the columns outwards, (y, x) each, for an amplitude of 1."""
    ny, nx = body.shape
    if still == "ends":
        down = np.sin(np.pi * np.arange(ny) / (ny - 1)) ** 2
        return np.broadcast_to(down[:, None], body.shape), np.zeros(body.shape)
    top, height = _extent(body, axis=1)
    left, width = _extent(body, axis=0)
    depth = np.clip((np.arange(ny) - top) / height, 0, 1)  # 0 at the object's top
    moving = np.clip(((1 - depth if still == "bottom" else depth) - RIGID) / (1 - RIGID), 0, 1)
    down = (-1 if still == "bottom" else 1) * moving**2 * (3 - 2 * moving)
    across = np.clip(2 * (np.arange(nx) - left) / width - 1, -1, 1)
    out = WIDENING * np.sin(np.pi * depth)[:, None] ** 2 * across
    return np.broadcast_to(down[:, None], body.shape), out


def _extent(body: NDArray[np.floating], axis: int) -> tuple[int, int]:
    """First row (axis 1) or column (axis 0) of the object, and how many there are."""
    inside = np.flatnonzero((body > BODY * body.max()).any(axis=axis))
    if len(inside) < 2:
        return 0, body.shape[1 - axis]
    return int(inside[0]), int(inside[-1] - inside[0])


def _check(
    image: NDArray, n_frames: int, amplitude: float, cycles: float, still: Still, irregularity: float
) -> None:
    if image.ndim not in (2, 3) or min(image.shape[-2:]) < 8:
        raise ValueError(f"image must have axes (y, x) or (frame, y, x) of 8 at least, got {image.shape}")
    if n_frames < 1 or (image.ndim == 3 and len(image) != n_frames):
        raise ValueError(f"n_frames must be at least 1 and fit the images, got {n_frames}")
    if not np.isfinite(image).all() or image.min() < 0:
        raise ValueError("image must be finite and not negative, got values that are not")
    if not abs(amplitude) <= LARGEST * image.shape[-2]:
        most = LARGEST * image.shape[-2]
        raise ValueError(f"amplitude must be at most a quarter of the rows, {most:g}, got {amplitude}")
    if not 0 <= cycles <= n_frames / 2:
        raise ValueError(f"cycles must lie between 0 and half the frames, {n_frames / 2:g}, got {cycles}")
    if still not in ("bottom", "top", "ends"):
        raise ValueError(f"still must be bottom, top or ends, got {still}")
    if not 0 <= irregularity <= 1:
        raise ValueError(f"irregularity must lie between 0 and 1, got {irregularity}")
