"""Rays measured twice, once from either end: how much they disagree about an axis of rotation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A scan of half a turn ends one step short of its first view turned round: that far it is extrapolated.
BEYOND_ENDS = 1.01


def opposite_ray_disagreement(
    sinogram: NDArray[np.floating],
    angles_rad: NDArray[np.floating],
    doubled_axis: int,
    *,
    source_detector_columns: float | None = None,
    curved: bool = False,
    view_step: int = 1,
) -> float:
    """Sum of (p - p')^2 over sum of p^2 + p'^2: 0 for the right axis, about 1 for unrelated rays.

    The ray at angle t and fan angle g (0 for parallel rays) is met again from its other end, p', at

        t' = t - 2 g + pi,  c' = 2 c0 - c,     tan g = (c - c0) / source_detector_columns,

    on a curved detector g = (c - c0) / source_detector_columns. Views are interpolated linearly in angle;
    columns not at all, since 2 c0 is an integer.

    Args:
        sinogram: attenuation, real (angle, column), the angles ascending.
        angles_rad: (angle,), ascending, counter-clockwise.
        doubled_axis: 2 c0, the column of the axis times two.
        source_detector_columns: distance in columns of the detector; None for parallel rays.
        view_step: only every so many views are looked up (their opposites may be any).

    NaN if no ray is met twice.
    Source: the symmetry is in Kak & Slaney, Principles of Computerized Tomographic Imaging (1988), sec. 3.4.
    """
    n_views, n_columns = sinogram.shape
    columns = np.arange(max(0, doubled_axis - n_columns + 1), min(n_columns - 1, doubled_axis) + 1)
    mirrored = doubled_axis - columns
    if source_detector_columns is None:
        fan = np.zeros(1)
    else:
        ratio = (columns - doubled_axis / 2) / source_detector_columns
        fan = ratio if curved else np.arctan(ratio)
    chosen = np.arange(0, n_views, view_step)
    beyond = BEYOND_ENDS if np.ptp(angles_rad) < 1.5 * np.pi else 0.0
    difference = power = 0.0
    for half_turn in (np.pi, -np.pi):
        wanted = angles_rad[chosen, None] - 2 * fan[None, :] + half_turn
        position = _positions(wanted, angles_rad)
        measured = (position >= -beyond) & (position <= n_views - 1 + beyond)
        some = measured.any(axis=1)
        if not some.any() or len(columns) == 0:
            continue
        measured, position = measured[some], position[some]
        below = np.clip(np.floor(position), 0, n_views - 2).astype(np.intp)
        share = position - below
        other = (1 - share) * sinogram[below, mirrored] + share * sinogram[below + 1, mirrored]
        ours = sinogram[chosen[some]][:, columns]
        difference += float(((ours - other) ** 2 * measured).sum())
        power += float(((ours**2 + other**2) * measured).sum())
    return difference / power if power > 0 else np.nan


def _positions(wanted: NDArray[np.float64], angles_rad: NDArray[np.floating]) -> NDArray[np.float64]:
    """Fractional index of each angle among ``angles_rad``, continued linearly beyond both ends."""
    last = len(angles_rad) - 1
    inside = np.interp(wanted, angles_rad, np.arange(last + 1))
    first_step, last_step = angles_rad[1] - angles_rad[0], angles_rad[-1] - angles_rad[-2]
    before = np.where(wanted < angles_rad[0], (wanted - angles_rad[0]) / max(first_step, 1e-12), 0.0)
    after = np.where(wanted > angles_rad[-1], (wanted - angles_rad[-1]) / max(last_step, 1e-12), 0.0)
    return inside + before + after
