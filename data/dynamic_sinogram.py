"""Projections of an object that changes while it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Centre = Literal["middle", "pixel"]


@dataclass(frozen=True)
class FrameGeometry:
    """How a series of parallel projections was taken; angles and axes as in ``ScanGeometry``.

    Attributes:
        angles_rad: float64 (frame, view), in any order.
        column_size_mm: pitch of the detector columns; None where lengths are in columns.
        axis_column: column, from 0, onto which the axis of rotation projects; None where unknown, then it
            is the middle of the detector (``centre = "middle"``) or column n // 2 (``"pixel"``).
        centre: where the axis of rotation lies in an image of n pixels: in its middle, (n - 1) / 2, or on
            pixel n // 2, as in ``skimage.transform.radon`` and what was simulated with it.
    """

    angles_rad: NDArray[np.float64]
    column_size_mm: float | None = None
    axis_column: float | None = None
    centre: Centre = "middle"


@dataclass(frozen=True)
class DynamicSinogram:
    """One or more series, each of a few parallel projections at every instant; all share the angles.

    Attributes:
        samples: real floats (item, frame, view, column), attenuation: line integrals -log(I / I0), without
            unit. An item is a whole series, a frame an instant of it.
        angles_rad, column_size_mm, axis_column, centre: see ``FrameGeometry``.
        image_pixel_mm: pixel size of ``reference``, or None.
        labels: what each item is.
        reference: real (item, frame, y, x) images that came with the scan, 1/mm (1/column where
            ``column_size_mm`` is None), or None.
        source: where the data came from: title, origin, licence, changes.
    """

    samples: NDArray[np.floating]
    angles_rad: NDArray[np.float64]
    labels: tuple[str, ...]
    column_size_mm: float | None = None
    axis_column: float | None = None
    centre: Centre = "middle"
    image_pixel_mm: float | None = None
    reference: NDArray[np.floating] | None = None
    source: Mapping[str, str] = field(default_factory=dict)

    @property
    def geometry(self) -> FrameGeometry:
        return FrameGeometry(self.angles_rad, self.column_size_mm, self.axis_column, self.centre)
