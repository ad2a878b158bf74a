"""Filtered back-projection in the geometry of a series."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from proxflow.models.methods.fbp import central_column, fbp_image
from proxflow.models.methods.ramp_filter import Window
from proxflow.operators.frame_projections import FrameProjections
from proxflow.operators.parallel_beam import ParallelBeam


def axis_column(operator: FrameProjections) -> float:
    """The column, maybe between two, onto which the axis of rotation projects."""
    if operator.model == "bilinear":
        return float(operator.n_columns // 2)
    return central_column(operator.n_columns, operator.column_size_mm, operator.detector_offset_mm)


def fbp_in_frame(
    operator: FrameProjections,
    sinogram: Tensor,
    angles_rad: np.ndarray,
    window: Window = "ramp",
    *,
    axis: float | None = None,
) -> Tensor:
    """Images (*batch, y, x) on the pixels of a frame, from views (*batch, view, column) at ``angles_rad``.

    axis: the column of the axis in ``sinogram``; that of the operator if None. Views are in physical units,
    line integrals over mm: those of the operator without its gain. See ``fbp``.
    """
    ny, nx = operator.frame_domain
    # the axis of "bilinear" is the pixel J // 2, the middle of a grid that may have one row and column more
    grid = (ny // 2 * 2 + 1, nx // 2 * 2 + 1) if operator.model == "bilinear" else (ny, nx)
    n_columns = sinogram.shape[-1]
    axis = axis_column(operator) if axis is None else axis
    beam = ParallelBeam(
        grid,
        angles_rad,
        n_columns,
        pixel_size_mm=operator.pixel_size_mm,
        column_size_mm=operator.column_size_mm,
        detector_offset_mm=((n_columns - 1) / 2 - axis) * operator.column_size_mm,
    )
    return fbp_image(beam, sinogram, window)[..., :ny, :nx]
