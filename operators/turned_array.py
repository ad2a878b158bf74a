"""A scene seen by an array, less the same scene seen by the array after a turn."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.radar_checks import checked_antennas
from proxflow.operators.voxel_grid import VoxelGrid


class TurnedArrayDifference(NearFieldMimo):
    """y = A x - A' x, with A of the array as it stands and A' of the array turned about the z axis.

    The difference of two measured scans, which removes what turns with the array: its antennas' coupling. Of
    an echo at p it leaves a second one, of opposite sign, where p lies as seen from the turned array. With A
    alone it is imaged as a ghost; here both come from one voxel.

    Args:
        turned_degrees: of the second scan's array against the first, from x to y.

    The others as of ``NearFieldMimo`` with ``pairs``; no mask. x: complex (*batch, z, y, x).  y: complex
    (*batch, frequency, pair). Costs twice as much as A.
    Source of the subtraction: Klemm et al., IEEE Antennas Wirel. Propag. Lett. 8:1349 (2009).
    """

    def __init__(
        self,
        transmitters_m: Tensor,
        receivers_m: Tensor,
        frequencies_hz: Tensor,
        grid: VoxelGrid,
        *,
        turned_degrees: float,
        pairs: Tensor,
        amplitude: Literal["spreading", "none"] | Tensor = "spreading",
        relative_permittivity: float = 1.0,
        reference_range_m: Tensor | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        if not math.isfinite(turned_degrees):
            raise ValueError(f"turned_degrees must be finite, got {turned_degrees}")
        transmitters = checked_antennas("transmitters_m", transmitters_m)
        receivers = checked_antennas("receivers_m", receivers_m)
        ranges = reference_range_m
        super().__init__(
            torch.cat([transmitters, _turned(transmitters, turned_degrees)]),
            torch.cat([receivers, _turned(receivers, turned_degrees)]),
            frequencies_hz,
            grid,
            pairs=torch.cat([pairs, pairs + torch.tensor([len(transmitters), len(receivers)])]),
            amplitude=amplitude,
            relative_permittivity=relative_permittivity,
            reference_range_m=None if ranges is None else torch.cat([ranges, ranges]),
            memory_bytes=memory_bytes,
        )
        self._both = self.range_shape
        self.range_shape = (self._both[0], len(pairs))

    def gram(self, dtype: torch.dtype = torch.complex64, device: torch.device | str = "cpu") -> Tensor:
        """A A^H of the difference, (measurement, measurement), by dense products over chunks of voxels."""
        return self._engine(dtype, torch.device(device)).gram(less_second_half=True)

    def _forward(self, x: Tensor) -> Tensor:
        both = self._per_item(x, self.domain_shape, self._both, lambda engine: engine.forward)
        straight, turned = both.chunk(2, dim=-1)
        return straight - turned

    def _adjoint(self, y: Tensor) -> Tensor:
        both = torch.cat([y, -y], dim=-1)
        return self._per_item(both, self._both, self.domain_shape, lambda engine: engine.adjoint)

    def _normal(self, x: Tensor) -> Tensor:
        return self._adjoint(self._forward(x))


def _turned(positions_m: Tensor, degrees: float) -> Tensor:
    """(antenna, 3), turned about the z axis from x to y."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y, z = positions_m.unbind(-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y, z], dim=-1)
