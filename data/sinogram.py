"""Tomographic measurements in memory: projections, their geometry, dark and flat fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Beam = Literal["parallel", "fan", "fan-curved", "cone"]
Quantity = Literal["counts", "transmission", "attenuation"]


@dataclass(frozen=True)
class ScanGeometry:
    """How a tomographic scan was taken. Lengths in mm, angles in radians.

    World coordinates: x along image columns, y against image rows, the axis of rotation through the
    origin. At angle t the detector runs along u = (cos t, sin t) and the central ray along
    d = (-sin t, cos t); the source of a fan or cone lies at -source_origin_mm d.

    Attributes:
        beam: parallel rays, a fan on a flat or curved (equiangular) detector, or a cone.
        angles_rad: float64 (angle,), counter-clockwise, in any order.
        column_size_mm: pitch of the detector columns, on the detector; None where the file does not
            tell, then lengths are in columns.
        row_size_mm: pitch of its rows; None where it has one row or the file does not tell.
        source_origin_mm: source to axis of rotation; None for parallel rays.
        source_detector_mm: source to detector; None for parallel rays.
        axis_column: column, counted from 0 and possibly fractional, onto which the axis of rotation
            projects; None where unknown (then it is estimated, or taken as the centre).
    """

    beam: Beam
    angles_rad: NDArray[np.float64]
    column_size_mm: float | None = None
    row_size_mm: float | None = None
    source_origin_mm: float | None = None
    source_detector_mm: float | None = None
    axis_column: float | None = None


@dataclass(frozen=True)
class Sinogram:
    """Projections of one or more items.

    Attributes:
        samples: real (item, angle, column), an item being one detector row of parallel or fan rays, a
            slice; for a cone (item, row, angle, column), an item being a whole scan.
        quantity: counts of the detector; transmission I / I0; or attenuation, the line integrals
            -log(I / I0), without unit.
        dark, flat: real (item, n, column), for a cone (item, row, n, column): frames without beam and
            without object, in counts; None where the scan has none.
        reference: real (item, y, x) image that came with the scan, or None.
        labels_image: uint8 (item, y, x) segmentation that came with the scan, 0 for background, or None.
        image_pixel_mm: pixel size of ``reference`` and ``labels_image``, or None.
    """

    samples: NDArray[np.floating | np.integer]
    quantity: Quantity
    geometry: ScanGeometry
    labels: tuple[str, ...]
    dark: NDArray[np.floating | np.integer] | None = None
    flat: NDArray[np.floating | np.integer] | None = None
    reference: NDArray[np.floating] | None = None
    labels_image: NDArray[np.uint8] | None = None
    image_pixel_mm: float | None = None
    source: Mapping[str, str] = field(default_factory=dict)
