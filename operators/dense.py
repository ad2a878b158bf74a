"""Operators as dense matrices, and matrices as operators: for tests and small problems."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, check_trailing_axes

CHUNK_BYTES = 2**24  # unit vectors and their images at a time


def to_matrix(
    operator: LinearOperator,
    *,
    dtype: torch.dtype = torch.float32,
    limit_bytes: int = 2**30,
    device: torch.device | str = "cpu",
) -> Tensor:
    """The matrix of A, (range size, domain size): column j is A e_j, axes flattened in C order.

    ``forward`` alone is used, on unit vectors of ``dtype`` in batches. Raises ValueError if the matrix
    would take more than ``limit_bytes``.
    """
    n_rows, n_columns = math.prod(operator.range_shape), math.prod(operator.domain_shape)
    n_bytes = n_rows * n_columns * dtype.itemsize
    if n_bytes > limit_bytes:
        raise ValueError(
            f"matrix must take at most {limit_bytes} bytes, got {n_bytes} for {n_rows} x {n_columns} entries"
        )
    per_chunk = max(1, CHUNK_BYTES // (dtype.itemsize * (n_rows + n_columns)))
    matrix = torch.empty(n_rows, n_columns, dtype=dtype, device=device)
    with torch.no_grad():
        for start in range(0, n_columns, per_chunk):
            n_vectors = min(per_chunk, n_columns - start)
            units = torch.zeros(n_vectors, n_columns, dtype=dtype, device=device)
            units.diagonal(start).fill_(1)
            images = operator.forward(units.reshape(n_vectors, *operator.domain_shape))
            if images.dtype != dtype:
                raise ValueError(f"dtype must be that of A x, {images.dtype}, got {dtype}")
            matrix[:, start : start + n_vectors] = images.reshape(n_vectors, n_rows).T
    return matrix


class MatrixOperator(LinearOperator):
    """y = M x for a dense matrix M, over the flattened axes of x and y.

    Args:
        matrix: (range size, domain size), real or complex, the axes of both flattened in C order.

    x: (*batch, *domain_shape), y: (*batch, *range_shape), of x's dtype; M is converted to its precision,
    in every call where it differs. A real matrix applies to real and complex x, a complex one to complex x.
    Raises ValueError if the shapes do not fit, or a complex matrix meets a real array.
    """

    matrix: Tensor

    def __init__(self, matrix: Tensor, domain_shape: tuple[int, ...], range_shape: tuple[int, ...]) -> None:
        super().__init__()
        expected = math.prod(range_shape), math.prod(domain_shape)
        if tuple(matrix.shape) != expected:
            raise ValueError(
                f"matrix must have shape {expected} for domain {tuple(domain_shape)} and range "
                f"{tuple(range_shape)}, got {tuple(matrix.shape)}"
            )
        self.register_buffer("matrix", matrix)
        self.domain_shape, self.range_shape = tuple(domain_shape), tuple(range_shape)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self._apply_rows("x", x, self.matrix.mT, self.domain_shape, self.range_shape)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        return self._apply_rows("y", y, self.matrix.conj(), self.range_shape, self.domain_shape)

    def _apply_rows(
        self, name: str, x: Tensor, matrix: Tensor, shape: tuple[int, ...], result: tuple[int, ...]
    ) -> Tensor:
        if matrix.is_complex() and not x.is_complex():
            raise ValueError(f"{name} must be complex for a complex matrix, got {x.dtype}")
        batch = x.shape[: x.ndim - len(shape)]
        rows = x.reshape(math.prod(batch), math.prod(shape))
        if x.is_complex() and not matrix.is_complex():
            matrix = matrix.to(x.real.dtype)
            product = torch.complex(rows.real @ matrix, rows.imag @ matrix)
        else:
            product = rows @ matrix.to(x.dtype)
        return product.reshape(*batch, *result)
