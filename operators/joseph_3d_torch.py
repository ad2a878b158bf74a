"""Joseph's line integrals through a volume in torch operations: any device, same numbers as ``joseph_3d``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from proxflow.operators.joseph_3d import RayTable, times_length

CHUNK_BYTES = 256 * 2**20  # temporaries of one block of rays


class _Block(NamedTuple):
    """Some of the rays that march along one axis; ``rays`` counts (angle, column)."""

    along_y: bool
    rays: Tensor
    start: Tensor
    step: Tensor
    reach: Tensor
    reach_step: Tensor


class _Step(NamedTuple):
    """Where the rays of a block meet one marched plane (across, z)."""

    lower: Tensor  # (ray,): the neighbour across, inside the plane, and its weight
    lower_weight: Tensor
    upper: Tensor
    upper_weight: Tensor
    k: Tensor  # (ray, row): the neighbour along z in a line with one zero below and two above
    fraction: Tensor  # (ray, row): weight of the neighbour after it


def project_torch(volume: Tensor, rays: RayTable) -> Tensor:
    """Line integrals (row, angle, column) of a real ``volume`` (z, y, x), on its device."""
    result = volume.new_zeros(rays.scale.size, len(rays.row_z))
    planes_of = _marched_planes(volume)
    for block in _blocks(rays, volume):
        total = volume.new_zeros(len(block.rays), len(rays.row_z))
        for m, plane in enumerate(planes_of[block.along_y]):
            at = _step(block, m, plane, rays)
            lines = plane[at.lower] * at.lower_weight[:, None] + plane[at.upper] * at.upper_weight[:, None]
            lines = pad(lines, (1, 2))
            total += torch.lerp(lines.gather(1, at.k), lines.gather(1, at.k + 1), at.fraction)
        result[block.rays] = total
    result = times_length(result.view(*rays.scale.shape, -1), rays)
    return result.permute(2, 0, 1).contiguous()


def back_project_torch(sinogram: Tensor, rays: RayTable, shape: tuple[int, int, int]) -> Tensor:
    """The exact transpose of ``project_torch``: (row, angle, column) to a volume (z, y, x)."""
    weighted = times_length(sinogram.permute(1, 2, 0).clone(memory_format=torch.contiguous_format), rays)
    weighted = weighted.flatten(0, 1)
    volume = sinogram.new_zeros(shape)
    planes_of = _marched_planes(volume)
    for block in _blocks(rays, volume):
        values = weighted[block.rays]
        for m, plane in enumerate(planes_of[block.along_y]):
            at = _step(block, m, plane, rays)
            lines = values.new_zeros(len(values), plane.shape[1] + 3)
            upper_part = at.fraction * values
            lines.scatter_add_(1, at.k, values - upper_part)
            lines.scatter_add_(1, at.k + 1, upper_part)
            lines = lines[:, 1:-2]
            plane.index_add_(0, at.lower, lines * at.lower_weight[:, None])
            plane.index_add_(0, at.upper, lines * at.upper_weight[:, None])
    return volume


def _marched_planes(volume: Tensor) -> dict[bool, Tensor]:
    """Views (marched, across, z) of a volume (z, y, x): marched along y (True) and along x."""
    return {True: volume.permute(1, 2, 0), False: volume.permute(2, 1, 0)}


def _blocks(rays: RayTable, volume: Tensor) -> Iterator[_Block]:
    """The rays in blocks whose temporaries keep within ``CHUNK_BYTES``, on ``volume``'s device."""
    n_rows = len(rays.row_z)
    per_ray = 6 * volume.element_size() * (len(volume) + n_rows + 8) + 16 * n_rows
    n_rays = max(1, CHUNK_BYTES // per_ray)
    for along_y in (True, False):
        chosen = np.flatnonzero(rays.along_y.ravel() == along_y)
        for begin in range(0, len(chosen), n_rays):
            index = chosen[begin : begin + n_rays]
            parts = (rays.start, rays.step, rays.reach, rays.reach_step)
            path = (torch.from_numpy(part.ravel()[index]).to(volume.device) for part in parts)
            yield _Block(along_y, torch.from_numpy(index).to(volume.device), *path)


def _step(block: _Block, m: int, plane: Tensor, rays: RayTable) -> _Step:
    n_across, n_z = plane.shape
    position = block.start + m * block.step  # in double precision, as the compiled kernels
    floor = position.floor()
    weight, lower = (position - floor).to(plane.dtype), floor.long()
    row_z = torch.from_numpy(rays.row_z).to(plane)
    height = (block.reach + m * block.reach_step).to(plane.dtype)
    z = (height[:, None] * row_z + (n_z + 1) / 2).clamp(0, n_z + 1)
    k = z.long()
    return _Step(
        lower.clamp(0, n_across - 1),
        (1 - weight).where((lower >= 0) & (lower < n_across), 0),
        (lower + 1).clamp(0, n_across - 1),
        weight.where((lower >= -1) & (lower < n_across - 1), 0),
        k,
        z - k,
    )
