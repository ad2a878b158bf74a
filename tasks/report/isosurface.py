"""The surface on which a volume has one value, as triangles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxflow.tasks.report.volumes import Triple

MOST_VOXELS = 96  # along a side; of a finer volume, the maxima of blocks


class Mesh(NamedTuple):
    """points: float32 (vertex, 3), (x, y, z) in mm.  normals: float32 (vertex, 3), of unit length, towards
    lower values.  faces: int (face, 3), indices of vertices."""

    points: np.ndarray
    normals: np.ndarray
    faces: np.ndarray


def isosurface(volume: np.ndarray, level: float, voxel_mm: Triple, centre_mm: Triple) -> Mesh:
    """The closed surface between the voxels of ``volume`` (z, y, x) above ``level`` and those below.

    Values between voxel centres are linear along the lines that join them. Outside the box the volume is 0:
    what reaches its faces is closed there, at the outer faces of the voxels. ``voxel_mm`` and ``centre_mm``
    run along (z, y, x). A mesh without faces where no voxel is above ``level``.
    Raises ValueError for a level that is not above 0.
    Source: Lewiner et al., J. Graph. Tools 8:1 (2003), marching cubes without ambiguous cases.
    """
    if not level > 0:
        raise ValueError(f"level must be above 0, got {level}")
    if not volume.max() > level:
        return Mesh(*(np.zeros((0, 3), dtype) for dtype in (np.float32, np.float32, np.int64)))
    from skimage.measure import marching_cubes  # half a second to import

    blocks = tuple(-(-n // MOST_VOXELS) for n in volume.shape)
    coarse = _block_maxima(volume, blocks)
    padded = np.pad(coarse, 1).astype(np.float32)
    index, faces, slopes, _ = marching_cubes(padded, level)
    voxel = np.multiply(voxel_mm, blocks)
    sides = np.multiply(volume.shape, voxel_mm)  # the last block of an axis may reach beyond
    from_corner = np.clip((index - 0.5) * voxel, 0, sides)  # padding shifts by one, a voxel's centre by half
    points = from_corner - sides / 2 + np.asarray(centre_mm)
    normals = slopes / voxel
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(length, np.finfo(np.float32).tiny)
    return Mesh(points[:, ::-1].astype(np.float32), normals[:, ::-1].astype(np.float32), faces)


def _block_maxima(volume: np.ndarray, blocks: tuple[int, ...]) -> np.ndarray:
    """The maximum of every block; blocks at the end of an axis may be smaller."""
    for axis, size in enumerate(blocks):
        volume = np.maximum.reduceat(volume, np.arange(0, volume.shape[axis], size), axis=axis)
    return volume
