"""Which spokes a shorter scan would have had."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

END_SHARE = 0.25  # of a spoke's end, within which it starts at the centre


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
    """The widest angle between neighbouring spokes; that of the whole turn for a single one."""
    angles = np.sort(spoke_angles(trajectory))
    return float(np.diff(angles, append=angles[0] + turn_rad(trajectory)).max())


def spoke_angles(trajectory: NDArray) -> NDArray[np.float64]:
    """Angle of each spoke from the kx axis, in [0, ``turn_rad``)."""
    ky, kx = np.moveaxis(np.asarray(trajectory[:, -1] - trajectory[:, 0], dtype=np.float64), -1, 0)
    return np.arctan2(ky, kx) % turn_rad(trajectory)


def turn_rad(trajectory: NDArray) -> float:
    """Angle after which spokes repeat: pi where they run through the centre, 2 pi where they start there."""
    start, end = (float(np.median(np.linalg.norm(trajectory[:, i], axis=-1))) for i in (0, -1))
    return 2 * np.pi if start < END_SHARE * end else np.pi
