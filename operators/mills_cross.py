"""The simulated near-field array of Oral & Oktem (2024)."""

from __future__ import annotations

import torch

from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.voxel_grid import VoxelGrid

HALF_SIDE_M = 0.15  # of the square that holds both lines, and of the voxels' box along x and y
RANGE_M = (0.35, 0.65)  # along z
BAND_HZ = (4e9, 16e9)
SHAPE = (49, 25, 25)  # (z, y, x); 6.25, 12.5 and 12.5 mm apart


def mills_cross(
    n_frequencies: int,
    shape: tuple[int, int, int] = SHAPE,
    *,
    n_transmitters: int = 12,
    n_receivers: int = 13,
    memory_bytes: int | None = None,
) -> NearFieldMimo:
    """Lines of antennas, equally spaced, on the two diagonals of a square of 0.3 m in the plane z = 0.

    Receivers run from (-0.15, -0.15, 0) to (0.15, 0.15, 0), transmitters from (-0.15, 0.15, 0) to (0.15,
    -0.15, 0); ``n_frequencies`` >= 2 equispaced ones of 4 to 16 GHz, both ends included. Voxels of ``shape``
    (z, y, x) fill x, y in [-0.15, 0.15] m and z in [0.35, 0.65] m, their centres on the ends.
    Raises ValueError for fewer than two frequencies.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), simulated geometry, F of 5 to 40.
    """
    if n_frequencies < 2:
        raise ValueError(f"n_frequencies must be at least 2, as both ends are included, got {n_frequencies}")
    r, t = (_line(-HALF_SIDE_M, HALF_SIDE_M, n) for n in (n_receivers, n_transmitters))
    lower, upper = ((z, side, side) for z, side in zip(RANGE_M, (-HALF_SIDE_M, HALF_SIDE_M), strict=True))
    return NearFieldMimo(
        torch.stack([t, -t, 0 * t], -1),
        torch.stack([r, r, 0 * r], -1),
        _line(*BAND_HZ, n_frequencies),
        VoxelGrid.from_bounds(lower, upper, shape),
        memory_bytes=memory_bytes,
    )


def _line(first: float, last: float, n: int) -> torch.Tensor:
    return torch.linspace(first, last, n, dtype=torch.float64)
