"""The 2-D Radon transform of parallel rays, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from proxflow.operators.astra_matrix import parallel_beam_matrix
from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes

if TYPE_CHECKING:
    import scipy.sparse


class ParallelBeam(LinearOperator):
    """Parallel-beam tomography: y[a, c] = integral of x along the ray of angle a and column c.

    Args:
        shape: (ny, nx) of the image, centred on the axis of rotation.
        angles_rad: (angle,), counter-clockwise; at 0 the rays run along y and columns follow x, at
            pi/2 they follow -y, rows counted downwards.
        n_columns: detector columns, centred.
        pixel_size_mm: side of the square pixels.
        column_size_mm: pitch of the columns; the pixel size if None.

    x: attenuation in 1/mm, (*batch, ny, nx).  y: line integrals, dimensionless, (*batch, angle, column).
    Real or complex, single or double; computed on the CPU with ASTRA's single-precision weights, held
    as one sparse matrix and applied to a whole batch at once. The adjoint is that matrix's transpose.
    Raises ValueError if a size is not positive, an angle is not finite, or an array is on a GPU.
    Source: the linear interpolation of Joseph, IEEE Trans. Med. Imaging 1:192 (1982), by ASTRA.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        angles_rad: Tensor | Sequence[float],
        n_columns: int,
        *,
        pixel_size_mm: float = 1.0,
        column_size_mm: float | None = None,
    ) -> None:
        super().__init__()
        angles = np.asarray(angles_rad, dtype=np.float64)
        if angles.ndim != 1 or len(angles) == 0 or not np.isfinite(angles).all():
            raise ValueError(f"angles_rad must be finite numbers of shape (angle,), got {angles_rad}")
        column_size_mm = pixel_size_mm if column_size_mm is None else column_size_mm
        sizes = {"n_columns": n_columns, "pixel_size_mm": pixel_size_mm, "column_size_mm": column_size_mm}
        for name, size in (*sizes.items(), ("ny", shape[0]), ("nx", shape[1])):
            if not size > 0:
                raise ValueError(f"{name} must be positive, got {size}")
        self.domain_shape = tuple(shape)
        self.range_shape = (len(angles), n_columns)
        self.pixel_size_mm = pixel_size_mm
        self._single = parallel_beam_matrix(shape, angles, n_columns, column_size_mm / pixel_size_mm)
        self._double: scipy.sparse.csr_matrix | None = None

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        _check_cpu("x", x)
        return apply_linear(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        _check_cpu("y", y)
        return apply_linear(y, self._adjoint, self._forward)

    def _forward(self, x: Tensor) -> Tensor:
        matrix = self._matrix(x.dtype)
        return _apply_to_columns(matrix, x, self.domain_shape, self.range_shape) * self.pixel_size_mm

    def _adjoint(self, y: Tensor) -> Tensor:
        matrix = self._matrix(y.dtype).T
        return _apply_to_columns(matrix, y, self.range_shape, self.domain_shape) * self.pixel_size_mm

    def _matrix(self, dtype: torch.dtype) -> scipy.sparse.csr_matrix:
        if dtype not in (torch.float64, torch.complex128):
            return self._single
        if self._double is None:
            self._double = self._single.astype(np.float64)
        return self._double


def _apply_to_columns(
    matrix: scipy.sparse.spmatrix, x: Tensor, domain: tuple[int, ...], result: tuple[int, ...]
) -> Tensor:
    """The matrix times every batch item, and times real and imaginary parts, in one product."""
    batch = x.shape[: x.ndim - len(domain)]
    parts = torch.view_as_real(x.resolve_conj()) if x.is_complex() else x.unsqueeze(-1)
    columns = parts.reshape(-1, matrix.shape[1], parts.shape[-1]).transpose(0, 1).flatten(1).contiguous()
    product = torch.from_numpy(matrix @ columns.numpy())
    parts = product.unflatten(1, (-1, parts.shape[-1])).transpose(0, 1).contiguous()
    y = torch.view_as_complex(parts) if x.is_complex() else parts.squeeze(-1)
    return y.reshape(*batch, *result)


def _check_cpu(name: str, array: Tensor) -> None:
    if array.device.type != "cpu":
        raise ValueError(f"{name} must be on the CPU, got {array.device}")
