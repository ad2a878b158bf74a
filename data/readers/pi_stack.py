"""Sinograms stored twice: every view and, below it, the same view from the other side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError

FEWEST_ROWS = 8
DARK = 0.1  # of the brightest row: beside the object
TOLERATED = 0.03  # relative difference of the halves, beside twice what their noise makes
SECOND_DIFFERENCE = 0.6745 * 6**0.5  # median magnitude of those of white noise of standard deviation 1


def own_rows(path: Path, sinogram: NDArray) -> int:
    """How many of the rows of ``sinogram`` (detector, projection) are a measurement of their own: n, or
    n / 2 of a pi-symmetric stack.

    In a stack the rows n/2 .. n-1 are the view at theta + pi. An object is on the axis of rotation in some
    view, or nowhere: where the middle rows are dark in all views, they are the edges of two detectors.
    Raises ScanError where they are, and the lower rows are not the mirror image of the upper ones.
    """
    n = len(sinogram)
    if n % 2 or n < FEWEST_ROWS or not _dark_middle(sinogram):
        return n
    upper, lower = (np.asarray(half, np.float64) for half in np.split(sinogram, 2))
    difference = asymmetry(upper, lower)
    if difference > TOLERATED + 2 * _noise_share(upper):
        raise ScanError(
            f"{path.name}: rows {n // 2} to {n - 1} must be the view at theta + pi, the mirror image of rows "
            f"0 to {n // 2 - 1}, got rows that differ by {difference:.2g} of their size"
        )
    return n // 2


def asymmetry(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """How far ``lower`` is from the mirror image of ``upper`` (detector, projection), relative to its size.

    The released RED-PSM data hold clean[2 (J // 2) - s] + noise[J - 1 - s]: what was simulated is mirrored
    about bin J // 2, the noise is flipped. Their difference to the flipped upper half is then a finite
    difference of the clean view alone, and its sum is that view but for a constant. Where the noise is not
    the same, or all is flipped alike, the halves are compared as they are.
    """
    steps = (lower - upper[::-1])[::-1]
    rest = upper - np.cumsum(steps, axis=0) + steps
    about = 2 * (len(upper) // 2) - np.arange(1, len(upper))
    return min(
        _share(rest - rest.mean(axis=0), upper - upper.mean(axis=0)),
        _share(lower[1:] - upper[about], lower),
        _share(lower - upper[::-1], lower),
    )


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(part)) / (float(np.linalg.norm(whole)) or 1.0)


def _noise_share(view: NDArray[np.float64]) -> float:
    """Root mean square of white noise, as second differences along the detector tell it, over the view's."""
    noise = float(np.median(np.abs(np.diff(view, 2, axis=0)))) / SECOND_DIFFERENCE
    return noise * view.size**0.5 / (float(np.linalg.norm(view)) or 1.0)


def _dark_middle(sinogram: NDArray) -> bool:
    """Whether a row at the middle, averaged over the projections, sees no object."""
    rows = np.abs(np.mean(sinogram, axis=1, dtype=np.float64))
    middle = len(rows) // 2
    return bool(rows[middle - 1 : middle + 1].min() < DARK * rows.max())
