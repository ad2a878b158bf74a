"""Voxel-driven back-projection with linear interpolation, the last step of filtered back-projection.

Not the transpose of a projector: iterative methods take ``LinearOperator.adjoint``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.threads import n_threads, run_chunks
from proxflow.operators.voxel_driven_torch import back_project_cone_torch, back_project_views_torch

ROWS_PER_CHUNK = 8  # image rows that stay in the cache while all views are added to them
KINDS = ("parallel", "flat", "curved")


@dataclass(frozen=True)
class ViewGeometry:
    """Where pixels project to; conventions of ``ParallelBeam``, ``FanBeam`` and ``ConeBeam``.

    Attributes:
        shape: (ny, nx) of a slice.
        central_column: column index, maybe fractional, onto which the axis of rotation projects.
        source_origin_mm, source_detector_mm: unused by "parallel".
    """

    detector: Literal["parallel", "flat", "curved"]
    shape: tuple[int, int]
    pixel_size_mm: float
    angles_rad: np.ndarray
    column_size_mm: float
    central_column: float
    source_origin_mm: float = 1.0
    source_detector_mm: float = 1.0


@dataclass(frozen=True)
class AxialGeometry:
    """What a cone adds: slices, their projection onto rows; voxels are cubes.

    ``central_row`` is the row index, maybe fractional, level with the source.
    """

    n_slices: int
    row_size_mm: float
    central_row: float


def back_project_views(filtered: Tensor, views: ViewGeometry) -> Tensor:
    """x[s, j, i] = sum over views of w^2 filtered[s, view, column(j, i)], interpolated linearly.

    filtered: real (slice, angle, column), zero outside.  x: (slice, y, x).
    w is 1 for parallel rays, else source_origin over the distance from the source: along the central ray
    for a flat detector, straight for a curved one.
    """
    if filtered.device.type != "cpu":
        return back_project_views_torch(filtered, views)
    padded = torch.nn.functional.pad(filtered, (1, 2)).contiguous().numpy()
    image = torch.zeros(len(filtered), *views.shape, dtype=filtered.dtype)
    numbers = _numbers(views)

    def work(start: int, stop: int) -> None:
        _kernels()[0](image.numpy(), padded, KINDS.index(views.detector), *numbers, start, stop)

    run_chunks(work, views.shape[0], n_chunks=_n_chunks(views.shape[0]))
    return image


def back_project_cone(filtered: Tensor, views: ViewGeometry, axial: AxialGeometry) -> Tensor:
    """As ``back_project_views`` for a flat detector with rows, interpolated bilinearly.

    filtered: real (row, angle, column), zero outside.  x: (z, y, x).
    """
    if filtered.device.type != "cpu":
        return back_project_cone_torch(filtered, views, axial)
    padded = torch.nn.functional.pad(filtered.permute(1, 2, 0), (1, 2, 1, 2)).contiguous().numpy()
    pencils = torch.zeros(*views.shape, axial.n_slices, dtype=filtered.dtype)
    numbers = _numbers(views)
    rows_per_voxel = views.source_detector_mm * views.pixel_size_mm / axial.row_size_mm

    def work(start: int, stop: int) -> None:
        _kernels()[1](pencils.numpy(), padded, *numbers, rows_per_voxel, axial.central_row + 1, start, stop)

    run_chunks(work, views.shape[0], n_chunks=_n_chunks(views.shape[0]))
    return pencils.permute(2, 0, 1).contiguous()


def _n_chunks(n_rows: int) -> int:
    return max(n_threads(), -(-n_rows // ROWS_PER_CHUNK))


def _numbers(views: ViewGeometry) -> tuple[Any, ...]:
    """(cos, sin, pixel size, central column in the padded views, columns per mm or per tangent, source)."""
    per_unit = 1.0 if views.detector == "parallel" else views.source_detector_mm
    return (
        np.cos(views.angles_rad),
        np.sin(views.angles_rad),
        views.pixel_size_mm,
        views.central_column + 1.0,
        per_unit / views.column_size_mm,
        float(views.source_origin_mm),
    )


@lru_cache(maxsize=1)
def _kernels() -> tuple[Any, Any]:
    """The compiled pair (views, cone)."""
    import numba

    compiled = numba.njit(
        nogil=True,
        cache=True,
        fastmath={"contract", "reassoc", "nsz", "arcp"},
        error_model="numpy",  # no test for a zero divisor, which would keep loops from vector units
    )
    return compiled(_add_views), compiled(_add_cone_views)


def _add_views(images, padded, kind, cosine, sine, pixel, centre, scale, source, first, last):  # type: ignore[no-untyped-def]
    n_slices, ny, nx = images.shape
    real = images.dtype.type
    index, fraction, weight = np.zeros(nx, np.uint32), np.zeros(nx, images.dtype), np.ones(nx, images.dtype)
    ramp = np.arange(nx).astype(images.dtype)
    below, above, one = real(0), real(padded.shape[2] - 2), real(1)
    a = (1 / np.arange(1, 19, 2)).astype(images.dtype)
    for view in range(len(cosine)):
        cos, sin = cosine[view], sine[view]
        for j in range(first, last):
            y, x = ((ny - 1) / 2 - j) * pixel, -(nx - 1) / 2 * pixel
            # along u and along the central ray, at the row's first pixel and per pixel
            u, u_step = real(x * cos + y * sin), real(pixel * cos)
            depth, depth_step = real(source - x * sin + y * cos), real(-pixel * sin)
            c, s, r0 = real(centre), real(scale), real(source)
            if kind == 0:
                for i in range(nx):
                    position = min(max(c + s * (u + ramp[i] * u_step), below), above)
                    index[i], fraction[i] = np.int32(position), position - real(np.int32(position))
            elif kind == 1:
                for i in range(nx):
                    inverse = one / (depth + ramp[i] * depth_step)
                    position = min(max(c + s * (u + ramp[i] * u_step) * inverse, below), above)
                    index[i], fraction[i] = np.int32(position), position - real(np.int32(position))
                    weight[i] = (r0 * inverse) * (r0 * inverse)
            else:
                for i in range(nx):
                    across, along = u + ramp[i] * u_step, depth + ramp[i] * depth_step
                    # arctan by its series after halving the angle twice, which vector units can do:
                    # exact to rounding within 45 degrees of the central ray, to 1e-8 everywhere
                    half = across / (along + np.sqrt(across * across + along * along))
                    q = half / (one + np.sqrt(one + half * half))
                    p, total = q * q, a[8]
                    for term in range(7, -1, -1):
                        total = a[term] - p * total
                    position = min(max(c + s * real(4) * q * total, below), above)
                    index[i], fraction[i] = np.int32(position), position - real(np.int32(position))
                    weight[i] = r0 * r0 / (across * across + along * along)
            for item in range(n_slices):
                line, row = padded[item, view], images[item, j]
                for i in range(nx):
                    k = index[i]
                    row[i] += weight[i] * (line[k] + fraction[i] * (line[k + np.uint32(1)] - line[k]))


def _add_cone_views(  # type: ignore[no-untyped-def]
    pencils, padded, cosine, sine, pixel, centre, scale, source, rows_per_voxel, central_row, first, last
):
    ny, nx, nz = pencils.shape
    n_columns, n_rows, real = padded.shape[1], padded.shape[2], pencils.dtype.type
    index, fraction = np.zeros(nz, np.uint32), np.zeros(nz, pencils.dtype)
    ramp = np.arange(nz).astype(pencils.dtype)
    line, below, above = np.zeros(n_rows, pencils.dtype), real(0), real(n_rows - 2)
    for view in range(len(cosine)):
        for j in range(first, last):
            y = ((ny - 1) / 2 - j) * pixel
            for i in range(nx):
                x = (i - (nx - 1) / 2) * pixel
                depth = source - x * sine[view] + y * cosine[view]
                column = centre + scale * (x * cosine[view] + y * sine[view]) / depth
                if column <= 0 or column >= n_columns - 2:
                    continue
                lower, weight = int(column), (source / depth) ** 2
                far = real(weight * (column - lower))
                near = real(weight) - far
                near_line, far_line, total = padded[view, lower], padded[view, lower + 1], pencils[j, i]
                for r in range(n_rows):
                    line[r] = near * near_line[r] + far * far_line[r]
                step = rows_per_voxel / depth
                start, step_real = real(central_row - (nz - 1) / 2 * step), real(step)
                for k in range(nz):
                    position = min(max(start + ramp[k] * step_real, below), above)
                    index[k], fraction[k] = np.int32(position), position - real(np.int32(position))
                for k in range(nz):
                    r32 = index[k]
                    total[k] += line[r32] + fraction[k] * (line[r32 + np.uint32(1)] - line[r32])
