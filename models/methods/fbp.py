"""Filtered back-projection of parallel and fan beams."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.ramp_filter import Window, ramp_filter
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.view_weights import fan_weights, parallel_weights, short_side_padding
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator, check_trailing_axes
from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.voxel_driven import ViewGeometry, back_project_views


def fbp(
    operator: LinearOperator,
    y: Tensor,
    *,
    window: Window = "ramp",
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = sum over views of (angular step) (filtered view, read off where the pixel projects).

    ``ParallelBeam``: the step is half the gaps to both neighbours modulo pi, so that views may come in any
    order, unevenly, over half a turn, a full one or an arc. ``FanBeam``: views are weighted by cos(gamma),
    filtered at the isocentre's scale, and read off weighted by (source_origin / distance)^2; a full turn
    counts half, a short scan by Parker's weights, an arc below pi + fan as it is. Over a full turn the
    detector may stand off-centre, see ``view_weights.off_centre_weights``.

    y: line integrals, dimensionless, (*batch, angle, column), real or complex; the image is in 1/mm,
    (*batch, y, x). An arc below half a turn leaves the missing wedge empty: values are too low there.
    Reported as one iteration, which costs one forward.
    Raises ValueError for an unknown window, TypeError for any other operator, DivergenceError on NaN.
    Source: Kak & Slaney, Principles of Computerized Tomographic Imaging, ch. 3 (1988).
    """
    return one_step(operator, y, fbp_image(operator, y, window), monitor=monitor, resume=resume)


def fbp_image(operator: LinearOperator, y: Tensor, window: Window = "ramp") -> Tensor:
    """The image of ``fbp`` alone: the operator's ``forward`` is not run."""
    if isinstance(operator, FanBeam):
        parts = partial(_fan, operator, window=window)
    elif isinstance(operator, ParallelBeam):
        parts = partial(_parallel, operator, window=window)
    else:
        raise TypeError(f"operator must be ParallelBeam or FanBeam, got {type(operator).__name__}")
    check_trailing_axes("y", y, operator.range_shape)
    return over_real_parts(parts, y)


def over_real_parts(function: Callable[[Tensor], Tensor], y: Tensor) -> Tensor:
    """A real linear ``function`` of a real or complex ``y``."""
    return torch.complex(function(y.real), function(y.imag)) if y.is_complex() else function(y)


def central_column(n_columns: int, column_size_mm: float, detector_offset_mm: float) -> float:
    """The column index, maybe fractional, onto which the axis of rotation projects."""
    return (n_columns - 1) / 2 - detector_offset_mm / column_size_mm


def _parallel(operator: ParallelBeam, y: Tensor, window: Window) -> Tensor:
    centre = central_column(operator.n_columns, operator.column_size_mm, operator.detector_offset_mm)
    columns_mm = (np.arange(operator.n_columns) - centre) * operator.column_size_mm
    weights = torch.from_numpy(parallel_weights(operator.angles_rad, columns_mm).copy()).to(y)
    before, after = short_side_padding(columns_mm)
    filtered = ramp_filter(pad(y * weights, (before, after)), operator.column_size_mm, window=window)
    views = ViewGeometry(
        "parallel",
        (operator.domain_shape[0], operator.domain_shape[1]),
        operator.pixel_size_mm,
        operator.angles_rad,
        operator.column_size_mm,
        centre + before,
    )
    return _back_project(filtered, views)


def _fan(operator: FanBeam, y: Tensor, window: Window) -> Tensor:
    centre = central_column(operator.n_columns, operator.column_size_mm, operator.detector_offset_mm)
    step_rad = operator.column_size_mm / operator.source_detector_mm
    ratio = (np.arange(operator.n_columns) - centre) * step_rad
    gamma = np.arctan(ratio) if operator.detector == "flat" else ratio
    weights = fan_weights(operator.angles_rad, gamma) * np.cos(gamma)
    before, after = short_side_padding(ratio)
    filtered = ramp_filter(
        pad(y * torch.from_numpy(weights).to(y), (before, after)),
        step_rad * operator.source_origin_mm,
        window=window,
        fan_step_rad=step_rad if operator.detector == "curved" else None,
    )
    views = ViewGeometry(
        operator.detector,
        (operator.domain_shape[0], operator.domain_shape[1]),
        operator.pixel_size_mm,
        operator.angles_rad,
        operator.column_size_mm,
        centre + before,
        operator.source_origin_mm,
        operator.source_detector_mm,
    )
    return _back_project(filtered, views)


def _back_project(filtered: Tensor, views: ViewGeometry) -> Tensor:
    slices = filtered.reshape(-1, *filtered.shape[-2:])
    return back_project_views(slices, views).reshape(*filtered.shape[:-2], *views.shape)
