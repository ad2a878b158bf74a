"""Joseph's line integrals through a volume, by kernels compiled for the CPU.

A ray marches along y or x, whichever it is most aligned with, and interpolates bilinearly in the other two
axes. Rays of one view and one detector column share their path in the plane and differ in z alone, so both
kernels hold z, and the detector's rows, in the innermost axis and resample whole lines of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.threads import n_threads, run_chunks

ROWS_PER_CHUNK = 8  # marched planes of the adjoint that stay in the cache while all rays pass through them


@dataclass(frozen=True)
class RayTable:
    """Where the rays of each view and column run, in voxels; arrays float64 (angle, column) unless said.

    Attributes:
        along_y: bool, True where the ray marches along y (row index), else along x (column index).
        start, step: index across the marched axis at marched index 0, and its change per marched voxel.
        reach, reach_step: distance from the source as a fraction of that to the detector, likewise.
        scale, slant: scale[angle, column] slant[column, row] is the path per marched voxel in mm.
        row_z: (row,): z of the detector's rows, in voxels, from the central plane.
    """

    along_y: np.ndarray
    start: np.ndarray
    step: np.ndarray
    reach: np.ndarray
    reach_step: np.ndarray
    scale: np.ndarray
    slant: np.ndarray
    row_z: np.ndarray


def ray_table(
    plane: tuple[int, int],
    angles_rad: np.ndarray,
    columns_mm: np.ndarray,
    rows_mm: np.ndarray,
    source_origin_mm: float,
    source_detector_mm: float,
    voxel_size_mm: float,
) -> RayTable:
    """The rays from the source to the centres of a flat detector's cells, through (ny, nx) = ``plane``."""
    ny, nx = plane
    cos, sin = np.cos(angles_rad)[:, None], np.sin(angles_rad)[:, None]
    source_x, source_y = source_origin_mm * sin, -source_origin_mm * cos
    w_x = columns_mm * cos - source_detector_mm * sin
    w_y = columns_mm * sin + source_detector_mm * cos
    along_y = np.abs(w_y) >= np.abs(w_x)
    main = np.where(along_y, w_y, w_x)
    # marched index 0 is the top row, the largest y, or the left column, the smallest x
    first = np.where(along_y, (ny - 1) / 2 * voxel_size_mm, -(nx - 1) / 2 * voxel_size_mm)
    per_index = np.where(along_y, -voxel_size_mm, voxel_size_mm)
    reach = (first - np.where(along_y, source_y, source_x)) / main
    reach_step = per_index / main
    across, sign = np.where(along_y, w_x, w_y), np.where(along_y, 1.0, -1.0)
    centre = np.where(along_y, (nx - 1) / 2, (ny - 1) / 2)
    start = centre + sign * (np.where(along_y, source_x, source_y) + reach * across) / voxel_size_mm
    step = sign * reach_step * across / voxel_size_mm
    slant = np.sqrt(source_detector_mm**2 + columns_mm[:, None] ** 2 + rows_mm**2)
    scale = voxel_size_mm / np.abs(main)
    return RayTable(along_y, start, step, reach, reach_step, scale, slant, rows_mm / voxel_size_mm)


def project(volume: Tensor, rays: RayTable) -> Tensor:
    """Line integrals (row, angle, column) of ``volume`` (z, y, x), both float32 or float64 on the CPU."""
    pencils = volume.permute(1, 2, 0).contiguous().numpy()
    n_rows = len(rays.row_z)
    result = torch.empty(*rays.scale.shape, n_rows, dtype=volume.dtype)
    row_z, flat = rays.row_z.astype(pencils.dtype), result.view(-1, n_rows).numpy()
    path = _path(rays)

    def work(start: int, stop: int) -> None:
        _kernels()[0](pencils, flat, *path, row_z, start, stop)

    run_chunks(work, len(flat), n_chunks=4 * n_threads())
    return times_length(result, rays).permute(2, 0, 1).contiguous()


def back_project(sinogram: Tensor, rays: RayTable, shape: tuple[int, int, int]) -> Tensor:
    """The exact transpose of ``project``: (row, angle, column) to a volume (z, y, x) of ``shape``."""
    nz, ny, nx = shape
    weighted = times_length(sinogram.permute(1, 2, 0).clone(memory_format=torch.contiguous_format), rays)
    flat = weighted.view(-1, weighted.shape[-1]).numpy()
    row_z, path = rays.row_z.astype(flat.dtype), _path(rays)
    pencils = torch.zeros(ny, nx, nz, dtype=sinogram.dtype)

    for along_y, n in ((True, ny), (False, nx)):  # one after the other: they add to the same voxels

        def work(start: int, stop: int, along_y: bool = along_y) -> None:
            _kernels()[1](pencils.numpy(), flat, *path, row_z, along_y, start, stop)

        run_chunks(work, n, n_chunks=max(n_threads(), -(-n // ROWS_PER_CHUNK)))
    return pencils.permute(2, 0, 1).contiguous()


def times_length(lines: Tensor, rays: RayTable) -> Tensor:
    """``lines`` (angle, column, row), overwritten, times the path per marched voxel."""
    lines *= torch.from_numpy(rays.slant).to(lines)
    lines *= torch.from_numpy(rays.scale).to(lines).unsqueeze(-1)
    return lines


def _path(rays: RayTable) -> list[np.ndarray]:
    """The rays of all views one after the other, as the kernels take them."""
    return [part.ravel() for part in (rays.along_y, rays.start, rays.step, rays.reach, rays.reach_step)]


@lru_cache(maxsize=1)
def _kernels() -> tuple[Any, Any]:
    """The compiled pair (forward, adjoint). Both see a volume (y, x, z) and rays (ray, row)."""
    from proxflow.operators.kernel import kernel

    return kernel(_forward), kernel(_adjoint)


def _forward(pencils, out, along_y, start, step, reach, reach_step, row_z, first, last):  # type: ignore[no-untyped-def]
    ny, nx, nz = pencils.shape
    n_rows, real = len(row_z), pencils.dtype.type
    line = np.zeros(nz + 3, pencils.dtype)  # one zero below the volume and two above
    index, fraction = np.zeros(n_rows, np.uint32), np.zeros(n_rows, pencils.dtype)
    one, below, above, centre = real(1), real(0), real(nz + 1), real((nz + 1) / 2)
    for ray in range(first, last):
        total = out[ray]
        total[:] = 0
        n_marched, n_across = (ny, nx) if along_y[ray] else (nx, ny)
        for m in range(n_marched):
            position = start[ray] + m * step[ray]
            if position <= -1 or position >= n_across:
                continue
            lower = int(np.floor(position))
            weight, height = real(position - lower), real(reach[ray] + m * reach_step[ray])
            near, far = max(lower, 0), min(lower + 1, n_across - 1)
            near_weight = one - weight if lower >= 0 else real(0)
            far_weight = weight if lower + 1 < n_across else real(0)
            near_line = pencils[m, near] if along_y[ray] else pencils[near, m]
            far_line = pencils[m, far] if along_y[ray] else pencils[far, m]
            for k in range(nz):
                line[k + 1] = near_weight * near_line[k] + far_weight * far_line[k]
            for r in range(n_rows):  # apart from the next loop, which vector units cannot do
                z = min(max(centre + height * row_z[r], below), above)
                index[r], fraction[r] = np.int32(z), z - real(np.int32(z))
            for r in range(n_rows):
                k = index[r]
                total[r] += line[k] + fraction[r] * (line[k + np.uint32(1)] - line[k])


def _adjoint(pencils, rays, along_y, start, step, reach, reach_step, row_z, marched_y, first, last):  # type: ignore[no-untyped-def]
    ny, nx, nz = pencils.shape
    n_rows, real = len(row_z), pencils.dtype.type
    lower_line, upper_line = np.zeros(nz + 3, pencils.dtype), np.zeros(nz + 3, pencils.dtype)
    index, fraction = np.zeros(n_rows, np.uint32), np.zeros(n_rows, pencils.dtype)
    one, below, above, centre = real(1), real(0), real(nz + 1), real((nz + 1) / 2)
    n_across = nx if marched_y else ny
    for ray in range(len(rays)):
        if along_y[ray] != marched_y:
            continue
        values = rays[ray]
        for m in range(first, last):
            position = start[ray] + m * step[ray]
            if position <= -1 or position >= n_across:
                continue
            lower = int(np.floor(position))
            weight, height = real(position - lower), real(reach[ray] + m * reach_step[ray])
            lower_line[:] = 0
            upper_line[:] = 0
            for r in range(n_rows):
                z = min(max(centre + height * row_z[r], below), above)
                index[r], fraction[r] = np.int32(z), z - real(np.int32(z))
            for r in range(n_rows):
                k, part = index[r], fraction[r] * values[r]
                lower_line[k] += values[r] - part
                upper_line[k] += part  # belongs to k + 1; apart, so that no store waits for the one before
            if lower >= 0:
                line = pencils[m, lower] if marched_y else pencils[lower, m]
                for k in range(nz):
                    line[k] += (one - weight) * (lower_line[k + 1] + upper_line[k])
            if lower + 1 < n_across:
                line = pencils[m, lower + 1] if marched_y else pencils[lower + 1, m]
                for k in range(nz):
                    line[k] += weight * (lower_line[k + 1] + upper_line[k])
