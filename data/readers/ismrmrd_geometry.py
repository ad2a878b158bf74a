"""ISMRMRD positions and direction cosines (patient LPS, mm) as a NIfTI-style RAS affine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proxflow.data.kspace import Affine

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def rank_slices(positions: NDArray[np.floating], normal: NDArray[np.floating]) -> NDArray[np.intp]:
    """Order of each slice along its normal: scanners may number slices in the order measured."""
    along = positions @ normal
    return np.argsort(np.argsort(along, kind="stable"), kind="stable")


def slice_step(positions: NDArray[np.floating], normal: NDArray[np.floating]) -> NDArray[np.floating] | None:
    """Vector (mm) from one slice to the next of slices sorted along ``normal``.

    None if they do not lie equally spaced on a line (within 1 % of the step), so that no affine holds.
    """
    ordered = positions[np.argsort(positions @ normal, kind="stable")]
    step = (ordered[-1] - ordered[0]) / (len(ordered) - 1)
    length = float(np.linalg.norm(step))
    expected = ordered[0] + np.arange(len(ordered))[:, None] * step
    if length == 0 or np.abs(ordered - expected).max() > 0.01 * length:
        return None
    return step


def affine_from_centre(centre_lps: ArrayLike, steps: Sequence[ArrayLike], centre_index: ArrayLike) -> Affine:
    """The 4 x 4 RAS affine of voxel (x index, y index, slice).

    p = centre + sum_a steps[a] (i_a - c_a) in LPS mm, with ``steps`` the vectors from one column, row
    and slice to the next, and c = ``centre_index`` the voxel at ``centre_lps``; R and A are minus L and P.
    """
    matrix = LPS_TO_RAS @ np.stack([np.asarray(step, dtype=float) for step in steps], axis=1)
    origin = LPS_TO_RAS @ np.asarray(centre_lps, dtype=float) - matrix @ np.asarray(centre_index, dtype=float)
    first, second, third = (
        (float(row[0]), float(row[1]), float(row[2]), float(shift))
        for row, shift in zip(matrix, origin, strict=True)
    )
    return first, second, third, (0.0, 0.0, 0.0, 1.0)
