"""A simulated scan of dynamic CT: a few projections of every frame, with noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.schedules import schedule_angles
from proxflow.operators.bilinear_radon import BilinearRadon
from proxflow.operators.frame_projections import Model
from proxflow.operators.parallel_beam import ParallelBeam

BLOCK_BYTES = 64 << 20  # of complete sinograms held at once
LEVELS = 4369  # 65 535 / 15: as exact in the packed form of the file


def simulate_dynamic_ct(
    frames: NDArray[np.floating],
    *,
    pixel_size_mm: float,
    schedule: str = "bit_reversed",
    views_per_frame: int = 1,
    noise: float = 5e-3,
    model: Model = "bilinear",
    seed: int = 0,
    source: Mapping[str, str] | None = None,
) -> DynamicSinogram:
    """Frame t seen along the views t n .. t n + n - 1 of a schedule of T n angles, n = ``views_per_frame``:

        g_tv = R_tv f_t + e_tv,   e ~ N(0, sigma^2),   sigma = noise * max |R_a f_t| over all frames t and
                                                               all T n angles a of the schedule.

    The object f is what lies inside the circle of the frames' width about pixel J // 2, on ``LEVELS`` even
    steps up to its peak, so that its file is small; it is the ``reference`` of the scan.

    Args:
        frames: real, not negative, (T, J, J), 1/mm.
        noise: relative standard deviation, 0 for none.
        model: "bilinear" turns and sums about pixel J // 2, as the source does; "joseph" is ``ParallelBeam``,
            about the middle of the image.

    Returns:
        one item; samples and reference float32.

    Raises ValueError if an argument does not fit. Source: Iskender, Klasky & Bresler, IEEE TCI 10:832 (2024),
    for the schedule, the noise and the circle.
    """
    _check(frames, views_per_frame, noise)
    n_frames, size = len(frames), frames.shape[-1]
    angles = schedule_angles(schedule, n_frames * views_per_frame).reshape(n_frames, views_per_frame)
    objects = _in_levels(np.where(inside_circle(size), frames, 0.0))
    clean, peak = _projected(objects, angles, pixel_size_mm, model)
    errors = np.random.default_rng(seed).standard_normal(clean.shape)
    bilinear = model == "bilinear"
    return DynamicSinogram(
        samples=(clean + noise * peak * errors).astype(np.float32)[None],
        angles_rad=angles,
        labels=("simulated series",),
        column_size_mm=pixel_size_mm,
        axis_column=float(size // 2) if bilinear else (size - 1) / 2,
        centre="pixel" if bilinear else "middle",
        image_pixel_mm=pixel_size_mm,
        reference=objects.astype(np.float32)[None],
        source=dict(source or {}),
    )


def inside_circle(size: int) -> NDArray[np.bool_]:
    """(i - J/2)^2 + (j - J/2)^2 < (J/2)^2: what every view sees whole."""
    i, j = np.indices((size, size)) - size // 2
    return np.asarray(i * i + j * j < (size / 2) ** 2)


def _in_levels(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    step = float(frames.max()) / LEVELS
    return np.rint(frames / step) * step


def _projected(
    frames: NDArray[np.float64], angles: NDArray[np.float64], pixel_size_mm: float, model: Model
) -> tuple[NDArray[np.float64], float]:
    """The projections (T, n, column) of every frame along its own views, and the peak along all of them."""
    n_frames, per_frame = angles.shape
    size, every = frames.shape[-1], angles.ravel()
    beam: BilinearRadon | ParallelBeam
    if model == "bilinear":
        beam = BilinearRadon((size, size), every, pixel_size_mm=pixel_size_mm)
    else:
        beam = ParallelBeam((size, size), every, size, pixel_size_mm=pixel_size_mm)
    at_once = max(1, BLOCK_BYTES // (every.size * size * 8))
    own, peak = np.empty((n_frames, per_frame, size)), 0.0
    for start in range(0, n_frames, at_once):
        block = np.arange(start, min(start + at_once, n_frames))
        complete = beam.forward(torch.from_numpy(frames[block])).numpy()
        views = complete.reshape(len(block), n_frames, per_frame, size)
        own[block] = views[np.arange(len(block)), block]
        peak = max(peak, float(np.abs(complete).max()))
    return own, peak


def _check(frames: NDArray, views_per_frame: int, noise: float) -> None:
    if frames.ndim != 3 or frames.shape[1] != frames.shape[2] or 0 in frames.shape:
        raise ValueError(f"frames must have axes (frame, y, x) and be square, got shape {frames.shape}")
    if not np.isfinite(frames).all() or frames.min() < 0 or not frames.max() > 0:
        raise ValueError("frames must be finite, not negative and not all zero, got others")
    if views_per_frame < 1:
        raise ValueError(f"views_per_frame must be at least 1, got {views_per_frame}")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must be finite and at least 0, got {noise}")
