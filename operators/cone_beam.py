"""The X-ray transform of a cone beam with a flat detector on a circular path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes
from proxflow.operators.joseph_3d import RayTable, back_project, project, ray_table
from proxflow.operators.joseph_3d_torch import back_project_torch, project_torch
from proxflow.operators.ray_transform import check_finite, check_sizes, checked_angles

ConeBackend = Literal["auto", "rays", "torch"]


class ConeBeam(LinearOperator):
    """Cone-beam tomography: y[r, a, c] = integral of x along the ray to row r, column c in view a.

    With u = (cos t, sin t, 0), d = (-sin t, cos t, 0) at angle t the source stands at -source_origin d, the
    detector's plane crosses its central ray at source_detector, and cell (r, c) lies at u_c u + v_r z there:
    u_c = (c - (n_columns - 1) / 2) column_size + offset_u, v_r = (r - (n_rows - 1) / 2) row_size + offset_v.
    x points right (column index), y up (row index down), z along the slices; the volume is centred on the
    axis of rotation and on the source's plane.

    Args:
        shape: (nz, ny, nx) of the volume.
        angles_rad: (angle,), counter-clockwise, in any order.
        detector_shape: (n_rows, n_columns).
        column_size_mm, row_size_mm: pitch on the detector; rows as columns if None.
        voxel_size_mm: side of the cubic voxels.
        detector_offset_mm: (v, u) of the detector's centre, on the detector.
        backend: "rays", kernels for CPU tensors compiled at the first call (seconds, then kept on disk);
            "torch", torch operations on any device; "auto", the former on the CPU and the latter elsewhere.

    x: attenuation in 1/mm, (*batch, z, y, x).
    y: line integrals, dimensionless, (*batch, row, angle, column).
    Real or complex, single or double. Nothing is held but the rays' coordinates; the adjoint is the exact
    transpose.
    Raises ValueError if a size is not positive, an angle is not finite, the source lies within the slices'
    circumscribed circle or the cone opens 45 degrees or more; for backend "rays", if an array is on a GPU.
    Source: the linear interpolation of Joseph, IEEE Trans. Med. Imaging 1:192 (1982), bilinear here.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        angles_rad: Tensor | np.ndarray | Sequence[float],
        detector_shape: tuple[int, int],
        *,
        source_origin_mm: float,
        source_detector_mm: float,
        column_size_mm: float,
        row_size_mm: float | None = None,
        voxel_size_mm: float = 1.0,
        detector_offset_mm: tuple[float, float] = (0.0, 0.0),
        backend: ConeBackend = "auto",
    ) -> None:
        super().__init__()
        if backend not in ("auto", "rays", "torch"):
            raise ValueError(f"backend must be auto, rays or torch, got {backend}")
        self.angles_rad, self.detector_shape, self.backend = (
            checked_angles(angles_rad),
            detector_shape,
            backend,
        )
        self.n_rows, self.n_columns = detector_shape
        self.source_origin_mm, self.source_detector_mm = source_origin_mm, source_detector_mm
        self.column_size_mm = column_size_mm
        self.row_size_mm = column_size_mm if row_size_mm is None else row_size_mm
        self.voxel_size_mm, self.detector_offset_mm = voxel_size_mm, detector_offset_mm
        self.domain_shape = tuple(shape)
        self.range_shape = (self.n_rows, len(self.angles_rad), self.n_columns)
        self._shape = shape
        self._check_geometry()
        self._rays = self._ray_table()

    @property
    def columns_mm(self) -> np.ndarray:
        """(column,): u of the columns on the detector."""
        return (np.arange(self.n_columns) - (self.n_columns - 1) / 2) * self.column_size_mm + (
            self.detector_offset_mm[1]
        )

    @property
    def rows_mm(self) -> np.ndarray:
        """(row,): v of the rows on the detector."""
        return (np.arange(self.n_rows) - (self.n_rows - 1) / 2) * self.row_size_mm + (
            self.detector_offset_mm[0]
        )

    def with_angles(self, indices: Sequence[int] | np.ndarray) -> ConeBeam:
        """The same geometry for the views ``indices`` alone, in that order, or where a bool mask is True."""
        return ConeBeam(
            self._shape,
            self.angles_rad[np.asarray(indices)],
            self.detector_shape,
            source_origin_mm=self.source_origin_mm,
            source_detector_mm=self.source_detector_mm,
            column_size_mm=self.column_size_mm,
            row_size_mm=self.row_size_mm,
            voxel_size_mm=self.voxel_size_mm,
            detector_offset_mm=self.detector_offset_mm,
            backend=self.backend,
        )

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        self._check_device("x", x)
        return apply_linear(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        self._check_device("y", y)
        return apply_linear(y, self._adjoint, self._forward)

    def _forward(self, x: Tensor) -> Tensor:
        method = project if self._compiled(x) else project_torch
        return _apply_to_items(lambda volume: method(volume, self._rays), x, self.range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        method = back_project if self._compiled(y) else back_project_torch
        return _apply_to_items(lambda data: method(data, self._rays, self._shape), y, self.domain_shape)

    def _compiled(self, array: Tensor) -> bool:
        return self.backend == "rays" or (self.backend == "auto" and array.device.type == "cpu")

    def _check_device(self, name: str, array: Tensor) -> None:
        if self.backend == "rays" and array.device.type != "cpu":
            raise ValueError(f"{name} must be on the CPU for backend rays, got {array.device}")

    def _ray_table(self) -> RayTable:
        return ray_table(
            self._shape[1:],
            self.angles_rad,
            self.columns_mm,
            self.rows_mm,
            self.source_origin_mm,
            self.source_detector_mm,
            self.voxel_size_mm,
        )

    def _check_geometry(self) -> None:
        names = (
            "n_rows",
            "n_columns",
            "column_size_mm",
            "row_size_mm",
            "voxel_size_mm",
            "source_detector_mm",
        )
        check_sizes(self._shape[1:], nz=self._shape[0], **{name: getattr(self, name) for name in names})
        for name, offset in zip(("v", "u"), self.detector_offset_mm, strict=True):
            check_finite(f"detector_offset_mm ({name})", offset)
        radius = np.hypot(*self._shape[1:]) / 2 * self.voxel_size_mm
        if not radius < self.source_origin_mm < np.inf:
            raise ValueError(
                f"source_origin_mm must exceed the {radius:g} mm that a slice's corner is from the axis, "
                f"got {self.source_origin_mm}"
            )
        highest = np.abs(self.rows_mm).max()
        if not highest < self.source_detector_mm:
            raise ValueError(
                f"source_detector_mm must exceed the {highest:g} mm that a detector row is from the source's "
                f"plane (a cone below 45 degrees), got {self.source_detector_mm}"
            )


def _apply_to_items(function: Callable[[Tensor], Tensor], x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``function`` of every batch item, and of real and imaginary parts, one after the other."""
    batch = x.shape[: x.ndim - 3]
    parts = torch.view_as_real(x.resolve_conj()).movedim(-1, 0) if x.is_complex() else x.unsqueeze(0)
    items = [function(item.resolve_neg()) for item in parts.reshape(-1, *x.shape[-3:])]
    results = torch.stack(items).reshape(len(parts), *batch, *shape)
    return torch.complex(results[0], results[1]) if x.is_complex() else results[0]
