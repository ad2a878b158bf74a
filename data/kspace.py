"""Cartesian MRI measurements in memory: samples, mask, noise, reference and geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Affine = tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Geometry:
    """Where the image lies, as far as the file tells.

    Attributes:
        matrix: (y, x) size of the intended image. A larger image is centre-cropped to it, index
            n // 2 going to index m // 2 (phase oversampling, fastMRI's 320 x 320).
        field_of_view_mm: (z, y, x) extent in mm of ``matrix`` and of one item's thickness; None where
            the file does not tell.
        affine: 4 x 4, rows as tuples, from voxel (x index, y index, slice number, 1) of an image of
            size ``matrix`` to millimetres along Right, Anterior, Superior (NIfTI's convention, no axis
            is flipped in memory); None where the file does not tell.
        slices: slice number of each item, so that frames of one slice share a number; () where unknown.
    """

    matrix: tuple[int, int]
    field_of_view_mm: tuple[float, float, float] | None = None
    affine: Affine | None = None
    slices: tuple[int, ...] = ()

    def select(self, items: Sequence[int]) -> Geometry:
        """The geometry of these items alone; the affine still counts the scan's own slice numbers."""
        return replace(self, slices=tuple(self.slices[i] for i in items) if self.slices else ())

    @property
    def voxel_size_mm(self) -> tuple[float, float, float] | None:
        """(z, y, x) in mm, or None where unknown."""
        if self.field_of_view_mm is None:
            return None
        depth, height, width = self.field_of_view_mm
        return depth, height / self.matrix[0], width / self.matrix[1]

    def affine_for(self, shape: tuple[int, int]) -> NDArray[np.float64] | None:
        """The 4 x 4 affine of an image (y, x) of this shape that shares our centre pixel n // 2."""
        if self.affine is None:
            return None
        affine = np.array(self.affine, dtype=np.float64)
        margin = [n // 2 - m // 2 for n, m in zip(shape, self.matrix, strict=True)]
        affine[:3, 3] -= affine[:3, 0] * margin[1] + affine[:3, 1] * margin[0]
        return affine


@dataclass(frozen=True)
class KSpace:
    """Cartesian k-space of one or more items; an item is one independent 2-D problem.

    Attributes:
        samples: complex (item, coil, ky, kx), arbitrary units, DC at n // 2; zero where unsampled.
        mask: bool (item or 1, ky, kx), True where sampled.
        geometry: see ``Geometry``.
        labels: what each item is, such as "slice 3" or "flip angle 11 deg".
        noise: complex (coil, n) noise alone, scaled to the bandwidth and averaging of ``samples``;
            None where the scan has no noise measurement.
        reference: (item, y, x) image that came with the scan, real or complex; None if none did.
        source: where the data came from: name, licence, changes.
    """

    samples: NDArray[np.complexfloating]
    mask: NDArray[np.bool_]
    geometry: Geometry
    labels: tuple[str, ...]
    noise: NDArray[np.complexfloating] | None = None
    reference: NDArray[np.inexact] | None = None
    source: Mapping[str, str] = field(default_factory=dict)
