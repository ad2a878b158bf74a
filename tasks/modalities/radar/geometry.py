"""Antennas as arrays of an artefact, and the voxels of a radar image."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.configs.image import ImageConfig
from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact
from proxflow.operators.voxel_grid import VoxelGrid
from proxflow.tasks.errors import RequestError


def voxel_grid(config: ImageConfig) -> VoxelGrid:
    """The box of voxels a recipe asks for; RequestError where it leaves it open."""
    if config.matrix is None or len(config.matrix) != 3 or config.voxel_mm is None:
        raise RequestError(
            "image must give matrix (z, y, x) and voxel_mm for radar, which no scan tells, "
            f"got matrix {list(config.matrix or ())} and voxel_mm {list(config.voxel_mm or ())}"
        )
    voxel = config.voxel_mm if len(config.voxel_mm) == 3 else config.voxel_mm * 3
    centre = config.centre_mm or (0.0, 0.0, 0.0)
    nz, ny, nx = config.matrix
    return VoxelGrid(
        (nz, ny, nx),
        (voxel[0] / 1e3, voxel[1] / 1e3, voxel[2] / 1e3),
        (centre[0] / 1e3, centre[1] / 1e3, centre[2] / 1e3),
    )


def image_geometry(grid: VoxelGrid, n_items: int) -> Geometry:
    """The grid as an image of planes along z; they count on from item to item."""
    nz, ny, nx = grid.shape
    dz, dy, dx = (size * 1e3 for size in grid.voxel_m)
    return Geometry((ny, nx), (dz, ny * dy, nx * dx), slices=tuple(range(n_items * nz)))


def antennas_of(prepared: Artefact) -> dict[str, Tensor]:
    """The antennas as ``operator_of`` takes them."""
    names = (
        "transmitters_m",
        "receivers_m",
        "pairs",
        "frequencies_hz",
        "reference_range_m",
        "turned_degrees",
    )
    return {name: torch.from_numpy(prepared.array(name)) for name in names if name in prepared}


def grid_of(prepared: Artefact) -> VoxelGrid:
    """The voxels of a prepared scan."""
    document = prepared.document("scan")["grid"]
    return VoxelGrid(**{name: tuple(values) for name, values in document.items()})
