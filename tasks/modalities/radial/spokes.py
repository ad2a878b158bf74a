"""Which spokes a shorter scan would have had."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray


def chosen_spokes(
    trajectory: NDArray, candidates: NDArray[np.intp], n_spokes: int, which: Literal["spread", "first"]
) -> NDArray[np.intp]:
    """``n_spokes`` of ``candidates``, indices in the order measured.

    trajectory: (spoke, readout, (ky, kx)).  "first" takes those measured first; "spread" as many ranks apart
    as can be, ordered by angle.
    """
    if which == "first":
        return candidates[:n_spokes]
    ranked = candidates[np.argsort(spoke_angles(trajectory[candidates]), kind="stable")]
    return np.sort(ranked[np.arange(n_spokes) * len(ranked) // n_spokes])


def widest_gap_rad(trajectory: NDArray) -> float:
    """The widest angle between neighbouring spokes; pi of a single one."""
    angles = np.sort(spoke_angles(trajectory))
    return float(np.diff(angles, append=angles[0] + np.pi).max())


def spoke_angles(trajectory: NDArray) -> NDArray[np.float64]:
    """Angle of each spoke from the kx axis, in [0, pi): a spoke runs through the centre to both sides."""
    ky, kx = np.moveaxis(np.asarray(trajectory[:, -1] - trajectory[:, 0], dtype=np.float64), -1, 0)
    return np.arctan2(ky, kx) % np.pi
