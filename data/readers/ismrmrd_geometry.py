"""ISMRMRD positions and direction cosines (patient LPS, mm) as a NIfTI-style RAS affine."""

from __future__ import annotations

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


def affine_from_centre(
    centre_lps: ArrayLike,
    column_step: ArrayLike,
    row_step: ArrayLike,
    slice_step: ArrayLike,
    centre_index: ArrayLike,
) -> Affine:
    """The 4 x 4 RAS affine of voxel (x index, y index, slice).

    p = centre + column_step (i_x - c_x) + row_step (i_y - c_y) + slice_step (i_s - c_s), in LPS mm, with
    c = ``centre_index`` the voxel at ``centre_lps``; R and A are minus L and P.
    """
    affine = np.eye(4)
    affine[:3, :3] = LPS_TO_RAS @ np.stack([column_step, row_step, slice_step], axis=1)
    affine[:3, 3] = LPS_TO_RAS @ np.asarray(centre_lps, dtype=float) - affine[:3, :3] @ np.asarray(
        centre_index
    )
    return tuple(tuple(row) for row in affine.tolist())
