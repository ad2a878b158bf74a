"""A box of voxels in space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class VoxelGrid:
    """Where the voxels of an array (z, y, x) lie, in metres.

    Attributes:
        shape: (nz, ny, nx); one of a plane's three is 1.
        voxel_m: distance between voxel centres along (z, y, x).
        centre_m: (z, y, x) of the middle of the box.

    Array axes and the numbers here run (z, y, x), as all our images do; positions are points (x, y, z), as
    antennas are. Papers that index an image (x, y, z) permute the axes, nothing else.
    Raises ValueError if a size or spacing is not positive or a number is not finite.
    """

    shape: tuple[int, int, int]
    voxel_m: Triple
    centre_m: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"shape must be three positive sizes (z, y, x), got {self.shape}")
        if len(self.voxel_m) != 3 or not all(0 < size < math.inf for size in self.voxel_m):
            raise ValueError(f"voxel_m must be three positive lengths (z, y, x), got {self.voxel_m}")
        if len(self.centre_m) != 3 or not all(map(math.isfinite, self.centre_m)):
            raise ValueError(f"centre_m must be three finite numbers (z, y, x), got {self.centre_m}")

    @classmethod
    def from_bounds(cls, lower_m: Triple, upper_m: Triple, shape: tuple[int, int, int]) -> VoxelGrid:
        """The grid whose first and last voxel centres along (z, y, x) are ``lower_m`` and ``upper_m``.

        An axis of one voxel has it in the middle, as wide as the bounds are apart.
        """
        voxel = [(b - a) / max(n - 1, 1) for a, b, n in zip(lower_m, upper_m, shape, strict=True)]
        if min(voxel) <= 0:
            raise ValueError(f"upper_m must exceed lower_m along each axis, got {upper_m} and {lower_m}")
        centre = [(a + b) / 2 for a, b in zip(lower_m, upper_m, strict=True)]
        return cls(shape, (voxel[0], voxel[1], voxel[2]), (centre[0], centre[1], centre[2]))

    @property
    def n_voxels(self) -> int:
        return math.prod(self.shape)

    def axes(self) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates of the voxel centres along z, y and x, float64, metres."""
        z, y, x = (
            centre + size * (torch.arange(n, dtype=torch.float64) - (n - 1) / 2)
            for n, size, centre in zip(self.shape, self.voxel_m, self.centre_m, strict=True)
        )
        return z, y, x

    def positions(self) -> Tensor:
        """(voxel, 3) points (x, y, z) in metres, float64, in the order of the flattened array."""
        z, y, x = torch.meshgrid(*self.axes(), indexing="ij")
        return torch.stack([x.flatten(), y.flatten(), z.flatten()], dim=-1)

    def distances(self, points_m: Tensor) -> tuple[Tensor, Tensor]:
        """The least and the greatest distance of each point (point, 3) to a voxel centre, metres."""
        nearest, farthest = [], []
        for axis, coordinate in zip(reversed(self.axes()), points_m.double().unbind(-1), strict=True):
            apart = (axis - coordinate[:, None]).abs()
            nearest.append(apart.amin(-1))
            farthest.append(apart.amax(-1))
        return torch.stack(nearest).norm(dim=0), torch.stack(farthest).norm(dim=0)
