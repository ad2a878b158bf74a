"""The volumes of a run as its report cuts and renders them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Volumes:
    """Magnitudes of one item by every method, in a box whose place is known.

    methods: real (z, y, x), no value below 0, one each in the order of the run's methods.
    reference: the same, or None.
    voxel_mm, centre_mm: along (z, y, x), the edges of a voxel and the middle of the box.
    antennas_mm: real (antenna, 3), points (x, y, z), or None where nothing is known of them.
    item: which of the run's items, from 0.

    Points are (x, y, z) in mm throughout, arrays (z, y, x).
    Raises ValueError for arrays that do not fit each other, values below 0, and edges that are not positive.
    """

    methods: tuple[np.ndarray, ...]
    voxel_mm: Triple
    centre_mm: Triple = (0.0, 0.0, 0.0)
    reference: np.ndarray | None = None
    antennas_mm: np.ndarray | None = None
    item: int = 0

    def __post_init__(self) -> None:
        if not self.methods:
            raise ValueError("methods must hold at least one volume, got none")
        for volume in self.all:
            if volume.ndim != 3 or 0 in volume.shape or np.iscomplexobj(volume):
                raise ValueError(f"volume must be real (z, y, x), got {volume.dtype} of shape {volume.shape}")
            if volume.shape != self.shape:
                raise ValueError(f"volume must have shape {self.shape}, got {volume.shape}")
            if not volume.min() >= 0:
                raise ValueError(f"volume must not be below 0, got {volume.min()}")
        if len(self.voxel_mm) != 3 or not all(edge > 0 for edge in self.voxel_mm):
            raise ValueError(f"voxel_mm must be three edges above 0, got {self.voxel_mm}")
        if self.antennas_mm is not None and (self.antennas_mm.ndim != 2 or self.antennas_mm.shape[1] != 3):
            raise ValueError(f"antennas_mm must have shape (antenna, 3), got {self.antennas_mm.shape}")

    @property
    def all(self) -> tuple[np.ndarray, ...]:
        """The reference, if there is one, then every method's."""
        return self.methods if self.reference is None else (self.reference, *self.methods)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x)."""
        nz, ny, nx = self.methods[0].shape
        return nz, ny, nx

    @property
    def marked(self) -> int | None:
        """Index in ``all`` of the first volume that is not empty; None if all are."""
        return next((k for k, volume in enumerate(self.all) if volume.any()), None)

    @property
    def place(self) -> tuple[int, int, int]:
        """(z, y, x), of the largest magnitude of the ``marked`` volume; else in the middle."""
        nz, ny, nx = self.shape
        if self.marked is None:
            return nz // 2, ny // 2, nx // 2
        z, y, x = np.unravel_index(int(self.all[self.marked].argmax()), self.shape)
        return int(z), int(y), int(x)

    @property
    def bounds_mm(self) -> tuple[tuple[float, float], ...]:
        """Where the box begins and ends along x, y and z: the outer faces of its voxels."""
        zyx = zip(self.shape, self.voxel_mm, self.centre_mm, strict=True)
        along = [(middle - n * edge / 2, middle + n * edge / 2) for n, edge, middle in zyx]
        return tuple(reversed(along))

    def point_mm(self, place: tuple[int, int, int]) -> Triple:
        """The middle (x, y, z) of the voxel at ``place`` (z, y, x)."""
        zyx = zip(place, self.shape, self.voxel_mm, self.centre_mm, strict=True)
        z, y, x = (middle + edge * (k - (n - 1) / 2) for k, n, edge, middle in zyx)
        return x, y, z
