"""The detector column onto which the axis of rotation projects, found from the sinogram itself."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from proxflow.models.tomography.opposite_rays import opposite_ray_disagreement

# The axis is looked for where rays on both sides of it cover at least a fifth of the detector.
MARGIN = 0.1
# Opposite rays that agree no better than this, against the median over all axes, tell nothing.
CONVINCING = 0.5
COARSE_COLUMNS = 384
COARSE_VIEWS = 96


def find_axis_column(
    sinogram: NDArray[np.floating],
    angles_rad: NDArray[np.floating],
    *,
    source_detector_columns: float | None = None,
    curved: bool = False,
    method: Literal["opposite-rays", "vo"] = "opposite-rays",
) -> float:
    """Column, counted from 0 and fractional, of the axis of rotation.

    * ``opposite-rays``: the axis about which rays measured from both ends agree best, searched over the
      whole detector from coarse to fine, then between half columns by a parabola. Parallel rays need half
      a turn, a fan somewhat more; fans of any detector work, and detectors that the object overlaps on one
      side (a full turn about an axis near the edge).
    * ``vo``: Vo's Fourier method for parallel rays over half a turn (algotom), within a sixteenth of the
      width of the detector's centre, in steps of a quarter column.

    Args:
        sinogram: attenuation, real (angle, column).
        angles_rad: (angle,), in any order, counter-clockwise.
        source_detector_columns: source to detector in columns (source_detector_mm / column_size_mm);
            None for parallel rays.
        curved: whether a fan's detector is curved.

    Raises ValueError where the scan does not settle the axis: too short an arc, too few views, or no
    minimum that stands out.
    Source: Vo, Drakopoulos, Atwood & Reinhard, Opt. Express 22:19078 (2014).
    """
    if sinogram.ndim != 2 or sinogram.shape[0] != len(angles_rad):
        raise ValueError(
            f"sinogram must be (angle, column) with {len(angles_rad)} angles, got shape {sinogram.shape}"
        )
    if sinogram.shape[0] < 3 or sinogram.shape[1] < 8:
        raise ValueError(f"sinogram must have at least 3 angles and 8 columns, got shape {sinogram.shape}")
    if not np.isfinite(sinogram).all():
        raise ValueError("sinogram must be finite to find the axis of rotation, got NaN or Inf")
    order = np.argsort(angles_rad, kind="stable")
    angles = np.asarray(angles_rad, dtype=np.float64)[order]
    views = np.asarray(sinogram, dtype=np.float64)[order]
    if method == "vo":
        return _vo(views, angles, source_detector_columns)
    return _from_opposite_rays(views, angles, source_detector_columns, curved)


def _from_opposite_rays(
    views: NDArray[np.float64], angles: NDArray[np.float64], distance: float | None, curved: bool
) -> float:
    n_columns = views.shape[1]
    factor = 2 ** max(0, int(np.ceil(np.log2(n_columns / COARSE_COLUMNS))))
    view_step = max(1, len(angles) // COARSE_VIEWS) if np.ptp(angles) > 1.1 * np.pi else 1
    candidates = None
    while True:
        binned = _binned(views, factor)
        width = binned.shape[1]
        coarse = candidates is None
        if candidates is None:
            candidates = np.arange(int(2 * MARGIN * width), int(2 * (1 - MARGIN) * width) + 1)
        found = np.array(
            [
                opposite_ray_disagreement(
                    binned,
                    angles,
                    int(doubled),
                    source_detector_columns=None if distance is None else distance / factor,
                    curved=curved,
                    view_step=view_step if factor > 1 or coarse else 1,
                )
                for doubled in candidates
            ]
        )
        if coarse:
            _check_convincing(found)
        best = int(np.nanargmin(found))
        if factor == 1 and not coarse:
            return _vertex(candidates, found, best) / 2
        # A binned column b covers columns b * 2 and b * 2 + 1 of the next level: its centre is 2 b + 1/2.
        doubled = int(candidates[best]) if factor == 1 else 2 * int(candidates[best]) + 1
        factor = max(factor // 2, 1)
        candidates = np.arange(doubled - 5, doubled + 6)


def _binned(views: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Columns averaged in groups of ``factor``, slightly blurred: the disagreement becomes a parabola."""
    width = views.shape[1] // factor
    binned = views[:, : width * factor].reshape(len(views), width, factor).mean(axis=2)
    return gaussian_filter1d(binned, 1.0, axis=1, mode="nearest")


def _check_convincing(found: NDArray[np.float64]) -> None:
    if not np.isfinite(found).any():
        raise ValueError(
            "angles_rad must cover half a turn (a fan: half a turn and its opening) to find the axis of "
            "rotation, got no ray measured from both ends; state axis_column instead"
        )
    best, usual = float(np.nanmin(found)), float(np.nanmedian(found))
    if best > CONVINCING * usual:
        raise ValueError(
            f"the axis of rotation must stand out, got opposite rays that agree to {best:.2g} at best and "
            f"{usual:.2g} usually; state axis_column instead"
        )


def _vertex(candidates: NDArray[np.intp], found: NDArray[np.float64], best: int) -> float:
    """Where the parabola through the least value and its neighbours has its vertex."""
    if best in (0, len(candidates) - 1):
        return float(candidates[best])
    left, middle, right = found[best - 1 : best + 2]
    curvature = left - 2 * middle + right
    shift = 0.5 * (left - right) / curvature if np.isfinite(curvature) and curvature > 0 else 0.0
    return float(candidates[best] + shift)


def _vo(views: NDArray[np.float64], angles: NDArray[np.float64], distance: float | None) -> float:
    from algotom.prep.calculation import find_center_vo

    if distance is not None:
        raise ValueError("method must be opposite-rays for a fan, got vo (it is for parallel rays)")
    step = float(np.median(np.diff(angles)))
    if not abs(np.ptp(angles) - np.pi) < 2.5 * step:
        raise ValueError(
            "angles_rad must cover half a turn for the method vo, got "
            f"{np.rad2deg(np.ptp(angles)):.4g} degrees"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # its minimum lies at the end of its range
        try:
            return float(find_center_vo(views.astype(np.float32), ncore=1))
        except UserWarning:
            n_columns = views.shape[1]
            raise ValueError(
                f"the axis of rotation must lie within {n_columns // 16} columns of column {n_columns // 2} "
                "for the method vo, got none there"
            ) from None
