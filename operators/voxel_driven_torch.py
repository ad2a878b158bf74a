"""Voxel-driven back-projection in torch operations: any device, same numbers as ``voxel_driven``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

if TYPE_CHECKING:
    from proxflow.operators.voxel_driven import AxialGeometry, ViewGeometry

CHUNK_BYTES = 256 * 2**20  # temporaries of one block of image rows


class _Pixels(NamedTuple):
    """Where some pixels (pixel,) project to in one view."""

    lower: Tensor  # column in a view with one zero before and two after
    fraction: Tensor
    weight: Tensor
    depth: Tensor  # mm from the source along the central ray


def back_project_views_torch(filtered: Tensor, views: ViewGeometry) -> Tensor:
    """See ``voxel_driven.back_project_views``."""
    padded = pad(filtered, (1, 2))
    image = filtered.new_zeros(len(filtered), views.shape[0] * views.shape[1])
    n_pixels = max(1, CHUNK_BYTES // (filtered.element_size() * (4 * len(filtered) + 16)))
    for begin in range(0, image.shape[1], n_pixels):
        part = image[:, begin : begin + n_pixels]
        x, y = _positions_mm(views, begin, part.shape[1], filtered)
        for view in range(len(views.angles_rad)):
            at, line = _pixels(views, view, x, y, filtered.shape[2]), padded[:, view]
            part += at.weight * torch.lerp(line[:, at.lower], line[:, at.lower + 1], at.fraction)
    return image.view(-1, *views.shape)


def back_project_cone_torch(filtered: Tensor, views: ViewGeometry, axial: AxialGeometry) -> Tensor:
    """See ``voxel_driven.back_project_cone``."""
    padded = pad(filtered.permute(1, 2, 0), (1, 2, 1, 2))
    image = filtered.new_zeros(views.shape[0] * views.shape[1], axial.n_slices)
    n_rows = padded.shape[2]
    per_pixel = filtered.element_size() * 4 * (n_rows + axial.n_slices) + 16 * axial.n_slices
    n_pixels = max(1, CHUNK_BYTES // per_pixel)
    rows_per_voxel = views.source_detector_mm * views.pixel_size_mm / axial.row_size_mm
    k = torch.arange(axial.n_slices, device=filtered.device) - (axial.n_slices - 1) / 2
    for begin in range(0, len(image), n_pixels):
        part = image[begin : begin + n_pixels]
        x, y = _positions_mm(views, begin, len(part), filtered)
        for view in range(len(views.angles_rad)):
            at = _pixels(views, view, x, y, filtered.shape[2])
            lines = torch.lerp(padded[view, at.lower], padded[view, at.lower + 1], at.fraction[:, None])
            lines *= at.weight[:, None]
            row = axial.central_row + 1 + k.to(filtered.dtype) * (rows_per_voxel / at.depth)[:, None]
            row = row.clamp(0, n_rows - 2)
            lower = row.long()
            part += torch.lerp(lines.gather(1, lower), lines.gather(1, lower + 1), row - lower)
    return image.view(*views.shape, axial.n_slices).permute(2, 0, 1).contiguous()


def _positions_mm(views: ViewGeometry, begin: int, n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """x and y of the pixels ``begin`` to ``begin + n``, rows one after the other."""
    ny, nx = views.shape
    index = torch.arange(begin, begin + n, device=like.device)
    column, row = (index % nx).to(like.dtype), index.div(nx, rounding_mode="floor").to(like.dtype)
    x = (column - (nx - 1) / 2) * views.pixel_size_mm
    return x, ((ny - 1) / 2 - row) * views.pixel_size_mm


def _pixels(views: ViewGeometry, view: int, x: Tensor, y: Tensor, n_columns: int) -> _Pixels:
    cos, sin = float(np.cos(views.angles_rad[view])), float(np.sin(views.angles_rad[view]))
    u, depth = x * cos + y * sin, views.source_origin_mm - x * sin + y * cos
    if views.detector == "parallel":
        column, weight = u / views.column_size_mm, torch.ones_like(u)
    elif views.detector == "flat":
        column = (views.source_detector_mm / views.column_size_mm) * (u / depth)
        weight = (views.source_origin_mm / depth).square()
    else:
        column = (views.source_detector_mm / views.column_size_mm) * torch.atan2(u, depth)
        weight = views.source_origin_mm**2 / (u.square() + depth.square())
    position = (column + (views.central_column + 1)).clamp(0, n_columns + 1)  # zero from there on
    lower = position.long()
    return _Pixels(lower, position - lower, weight, depth)
