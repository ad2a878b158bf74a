"""Filtered back-projection of cone beams by Feldkamp, Davis and Kress."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from proxflow.models.methods.fbp import central_column, over_real_parts
from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.ramp_filter import Window, ramp_filter
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.view_weights import fan_weights, short_side_padding
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator, check_trailing_axes
from proxflow.operators.cone_beam import ConeBeam
from proxflow.operators.voxel_driven import AxialGeometry, ViewGeometry, back_project_cone


def fdk(
    operator: LinearOperator,
    y: Tensor,
    *,
    window: Window = "ramp",
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = sum over views of (angular step) (source_origin / depth)^2 (filtered view at the voxel's shadow).

    For ``ConeBeam``. Views are weighted by source_detector / (length of the ray to the cell), filtered along
    their rows at the isocentre's scale, and read off bilinearly. Steps, full turns, short scans and
    off-centre detectors count as in ``fbp``. Exact in the source's plane; away from it values fall with the
    cone's angle.

    y: line integrals, dimensionless, (*batch, row, angle, column), real or complex; the image is in 1/mm,
    (*batch, z, y, x). Reported as one iteration, which costs one forward.
    On the CPU the time grows as voxels times views: 0.7 s for 192^3 voxels and 180 views of 288 x 288 on two
    cores (``python -m benchmarks.operators --only cone --sizes all``), so about a minute for 512^3 and 720.
    Raises ValueError for an unknown window, TypeError for any other operator, DivergenceError on NaN.
    Source: Feldkamp, Davis & Kress, J. Opt. Soc. Am. A 1:612 (1984).
    """
    return one_step(operator, y, fdk_image(operator, y, window), monitor=monitor, resume=resume)


def fdk_image(operator: LinearOperator, y: Tensor, window: Window = "ramp") -> Tensor:
    """The image of ``fdk`` alone: the operator's ``forward`` is not run."""
    if not isinstance(operator, ConeBeam):
        raise TypeError(f"operator must be ConeBeam, got {type(operator).__name__}")
    check_trailing_axes("y", y, operator.range_shape)
    return over_real_parts(lambda part: _real_image(operator, part, window), y)


def _real_image(operator: ConeBeam, y: Tensor, window: Window) -> Tensor:
    weights, lengths = _view_weights(operator), _slants(operator)
    spacing_mm = operator.column_size_mm * operator.source_origin_mm / operator.source_detector_mm
    weighted = y * torch.from_numpy(lengths).to(y) * torch.from_numpy(weights).to(y)
    before, after = short_side_padding(operator.columns_mm)
    filtered = ramp_filter(pad(weighted, (before, after)), spacing_mm, window=window)
    nz, ny, nx = operator.domain_shape
    v_mm, u_mm = operator.detector_offset_mm
    views = ViewGeometry(
        "flat",
        (ny, nx),
        operator.voxel_size_mm,
        operator.angles_rad,
        operator.column_size_mm,
        central_column(operator.n_columns, operator.column_size_mm, u_mm) + before,
        operator.source_origin_mm,
        operator.source_detector_mm,
    )
    axial = AxialGeometry(
        nz, operator.row_size_mm, central_column(operator.n_rows, operator.row_size_mm, v_mm)
    )
    items = [back_project_cone(item, views, axial) for item in filtered.reshape(-1, *filtered.shape[-3:])]
    return torch.stack(items).reshape(*y.shape[:-3], nz, ny, nx)


def _view_weights(operator: ConeBeam) -> np.ndarray:
    """(angle, column)."""
    return fan_weights(operator.angles_rad, np.arctan(operator.columns_mm / operator.source_detector_mm))


def _slants(operator: ConeBeam) -> np.ndarray:
    """(row, 1, column): the central ray's length over that of the ray to each cell."""
    square = operator.columns_mm**2 + operator.rows_mm[:, None, None] ** 2
    return operator.source_detector_mm / np.sqrt(operator.source_detector_mm**2 + square)
