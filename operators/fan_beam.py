"""The 2-D divergent-beam transform of a fan of rays."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, pi
from typing import TYPE_CHECKING, get_args

import numpy as np
from torch import Tensor

from proxflow.operators.base import LinearOperator
from proxflow.operators.ray_transform import Backend, RayTransform, check_finite, check_sizes, checked_angles
from proxflow.operators.rays_2d import Detector, fan_rays

if TYPE_CHECKING:
    from proxflow.operators.sparse_projector import MatrixCache


class FanBeam(LinearOperator):
    """Fan-beam tomography: y[a, c] = integral of x along the ray from the source of view a to column c.

    At angle t the source lies at ``-source_origin_mm d``, d = (-sin t, cos t), x to the right and y up:
    below the object at 0, to its right at pi/2. The detector lies on the far side.

    Args:
        shape: (ny, nx) of the image, centred on the axis of rotation; rows count downwards.
        angles_rad: (angle,), counter-clockwise, in any order.
        n_columns: detector columns; column c lies at
            u_c = (c - (n_columns - 1) / 2) column_size_mm + detector_offset_mm.
        source_origin_mm: from the source to the axis of rotation; the source must clear the image.
        source_detector_mm: from the source to the detector, along the central ray.
        column_size_mm: pitch of the columns, on the detector itself.
        pixel_size_mm: side of the square pixels.
        detector: "flat", columns along u = (cos t, sin t); "curved", along the arc around the source,
            the angle to the central ray being u_c / source_detector_mm, positive towards +u.
        detector_offset_mm: where the axis of rotation projects onto column c0,
            ((n_columns - 1) / 2 - c0) column_size_mm.
        backend, memory_bytes, matrix_cache: how it is computed, see ``RayTransform``.

    x: attenuation in 1/mm, (*batch, ny, nx).  y: line integrals, dimensionless, (*batch, angle, column).
    Real or complex, single or double. A column is a line, not a strip: columns whose shadows on the axis
    of rotation are much wider than the pixels skip some.
    Raises ValueError if an argument or an array does not fit.
    Source: Joseph, IEEE Trans. Med. Imaging 1:192 (1982).
    """

    def __init__(
        self,
        shape: tuple[int, int],
        angles_rad: Tensor | Sequence[float] | np.ndarray,
        n_columns: int,
        *,
        source_origin_mm: float,
        source_detector_mm: float,
        column_size_mm: float,
        pixel_size_mm: float = 1.0,
        detector: Detector = "flat",
        detector_offset_mm: float = 0.0,
        backend: Backend = "auto",
        memory_bytes: int | None = None,
        matrix_cache: MatrixCache | None = None,
    ) -> None:
        super().__init__()
        self.angles_rad = checked_angles(angles_rad)
        self.n_columns, self.column_size_mm, self.pixel_size_mm = n_columns, column_size_mm, pixel_size_mm
        self.source_origin_mm, self.source_detector_mm = source_origin_mm, source_detector_mm
        self.detector, self.detector_offset_mm = detector, detector_offset_mm
        check_sizes(
            shape,
            n_columns=n_columns,
            source_origin_mm=source_origin_mm,
            source_detector_mm=source_detector_mm,
            column_size_mm=column_size_mm,
            pixel_size_mm=pixel_size_mm,
        )
        check_finite("detector_offset_mm", detector_offset_mm)
        self._check_geometry(shape)
        rays = fan_rays(
            self.angles_rad,
            n_columns,
            source_origin=source_origin_mm / pixel_size_mm,
            source_detector=source_detector_mm / pixel_size_mm,
            column_size=column_size_mm / pixel_size_mm,
            detector=detector,
            detector_offset=detector_offset_mm / pixel_size_mm,
        )
        self.backend, self.memory_bytes, self.matrix_cache = backend, memory_bytes, matrix_cache
        self.transform = RayTransform(
            rays,
            shape,
            pixel_size_mm=pixel_size_mm,
            backend=backend,
            memory_bytes=memory_bytes,
            matrix_cache=matrix_cache,
        )
        self.domain_shape, self.range_shape = self.transform.domain_shape, self.transform.range_shape

    def forward(self, x: Tensor) -> Tensor:
        return self.transform.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.transform.adjoint(y)

    def with_angles(self, indices: Sequence[int] | np.ndarray) -> FanBeam:
        """The same geometry for the views ``indices`` alone, in that order, or where a bool mask is True."""
        return FanBeam(
            (self.domain_shape[0], self.domain_shape[1]),
            self.angles_rad[np.asarray(indices)],
            self.n_columns,
            source_origin_mm=self.source_origin_mm,
            source_detector_mm=self.source_detector_mm,
            column_size_mm=self.column_size_mm,
            pixel_size_mm=self.pixel_size_mm,
            detector=self.detector,
            detector_offset_mm=self.detector_offset_mm,
            backend=self.backend,
            memory_bytes=self.memory_bytes,
            matrix_cache=self.matrix_cache,
        )

    def _check_geometry(self, shape: tuple[int, int]) -> None:
        if self.detector not in get_args(Detector):
            raise ValueError(f"detector must be one of {', '.join(get_args(Detector))}, got {self.detector}")
        reach = hypot(*shape) / 2 * self.pixel_size_mm
        if self.source_origin_mm <= reach:
            raise ValueError(
                f"source_origin_mm must be above {reach:g}, half the image's diagonal, "
                f"got {self.source_origin_mm}"
            )
        edge = (self.n_columns - 1) / 2 * self.column_size_mm + abs(self.detector_offset_mm)
        if self.detector == "curved" and edge >= pi / 2 * self.source_detector_mm:
            raise ValueError(f"n_columns must span less than a half circle, got {self.n_columns}")
