"""The 2-D Radon transform of parallel rays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from proxflow.operators.base import LinearOperator
from proxflow.operators.ray_transform import Backend, RayTransform, check_finite, check_sizes, checked_angles
from proxflow.operators.rays_2d import parallel_rays

if TYPE_CHECKING:
    from proxflow.operators.sparse_projector import MatrixCache


class ParallelBeam(LinearOperator):
    """Parallel-beam tomography: y[a, c] = integral of x along {u_c u + s d}, u = (cos t, sin t) for angle t.

    Args:
        shape: (ny, nx) of the image, centred on the axis of rotation; x to the right, y up, rows down.
        angles_rad: (angle,), counter-clockwise, in any order; at 0 the rays run along y and columns
            follow x, at pi/2 they run along -x and columns follow y. d = (-sin t, cos t).
        n_columns: detector columns; column c lies at
            u_c = (c - (n_columns - 1) / 2) column_size_mm + detector_offset_mm.
        pixel_size_mm: side of the square pixels.
        column_size_mm: pitch of the columns; the pixel size if None.
        detector_offset_mm: where the axis of rotation projects onto column c0,
            ((n_columns - 1) / 2 - c0) column_size_mm.
        backend, memory_bytes, matrix_cache: how it is computed, see ``RayTransform``.

    x: attenuation in 1/mm, (*batch, ny, nx).  y: line integrals, dimensionless, (*batch, angle, column).
    Real or complex, single or double. A column is a line, not a strip: columns much wider than the
    pixels skip some. Raises ValueError if an argument or an array does not fit.
    Source: Joseph, IEEE Trans. Med. Imaging 1:192 (1982).
    """

    def __init__(
        self,
        shape: tuple[int, int],
        angles_rad: Tensor | Sequence[float] | np.ndarray,
        n_columns: int,
        *,
        pixel_size_mm: float = 1.0,
        column_size_mm: float | None = None,
        detector_offset_mm: float = 0.0,
        backend: Backend = "auto",
        memory_bytes: int | None = None,
        matrix_cache: MatrixCache | None = None,
    ) -> None:
        super().__init__()
        self.angles_rad = checked_angles(angles_rad)
        self.n_columns, self.pixel_size_mm = n_columns, pixel_size_mm
        self.column_size_mm = pixel_size_mm if column_size_mm is None else column_size_mm
        self.detector_offset_mm = detector_offset_mm
        check_sizes(
            shape, n_columns=n_columns, pixel_size_mm=pixel_size_mm, column_size_mm=self.column_size_mm
        )
        check_finite("detector_offset_mm", detector_offset_mm)
        rays = parallel_rays(
            self.angles_rad,
            n_columns,
            column_size=self.column_size_mm / pixel_size_mm,
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

    def with_angles(self, indices: Sequence[int] | np.ndarray) -> ParallelBeam:
        """The same geometry for the views ``indices`` alone, in that order, or where a bool mask is True."""
        return ParallelBeam(
            (self.domain_shape[0], self.domain_shape[1]),
            self.angles_rad[np.asarray(indices)],
            self.n_columns,
            pixel_size_mm=self.pixel_size_mm,
            column_size_mm=self.column_size_mm,
            detector_offset_mm=self.detector_offset_mm,
            backend=self.backend,
            memory_bytes=self.memory_bytes,
            matrix_cache=self.matrix_cache,
        )
