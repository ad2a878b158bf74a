"""Monostatic radar: one antenna that moves, as in synthetic aperture radar."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.voxel_grid import VoxelGrid


def monostatic(
    positions_m: Tensor,
    frequencies_hz: Tensor,
    grid: VoxelGrid,
    *,
    reference_range_m: Tensor | None = None,
    amplitude: Literal["spreading", "none"] | Tensor = "none",
    relative_permittivity: float = 1.0,
    mask: Tensor | None = None,
    memory_bytes: int | None = None,
) -> NearFieldMimo:
    """y[k, p] = sum over n of exp(-2 j k_k (d_p - r_p)) x[n]: the phase history of pulses p.

    Args:
        positions_m: (pulse, 3), where the antenna stood, points (x, y, z) in metres.
        reference_range_m: (pulse,), r_p, the range to the scene centre that the phase was compensated for;
            0 if None.
        mask: bool (frequency, pulse).

    The others, errors and cost as ``NearFieldMimo`` with the pairs (p, p): sqrt(F) phasors per pulse and
    voxel each for coarse and fine frequency, and one matrix product of the two.
    """
    positions = torch.as_tensor(positions_m)
    pulses = torch.arange(len(positions))
    return NearFieldMimo(
        positions,
        positions,
        frequencies_hz,
        grid,
        pairs=torch.stack([pulses, pulses], dim=-1),
        amplitude=amplitude,
        relative_permittivity=relative_permittivity,
        reference_range_m=reference_range_m,
        mask=mask,
        memory_bytes=memory_bytes,
    )
