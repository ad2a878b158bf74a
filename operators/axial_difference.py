"""Forward differences across the slices of a volume."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, check_trailing_axes
from proxflow.operators.finite_difference import Boundary, difference, difference_adjoint


class AxialDifference(LinearOperator):
    """(D_z x)[k] = x[k + 1] - x[k] over the first of three axes;  ||D_z||^2 <= 4.

    Args:
        shape: (nz, ny, nx).
        boundary: across the last slice the difference is zero ("neumann") or taken to the first ("periodic").

    x, y: (*batch, nz, ny, nx), real or complex.
    Raises ValueError if ``shape`` or ``boundary`` is not one of these, or the trailing axes differ.
    """

    def __init__(self, shape: tuple[int, int, int], boundary: Boundary = "neumann") -> None:
        super().__init__()
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f"shape must be three positive sizes (nz, ny, nx), got {tuple(shape)}")
        if boundary not in get_args(Boundary):
            raise ValueError(f"boundary must be one of {get_args(Boundary)}, got {boundary!r}")
        self.boundary = boundary
        self.domain_shape = self.range_shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return torch.roll(x, -1, -3) - x if self.boundary == "periodic" else difference(x, -3)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        return torch.roll(y, 1, -3) - y if self.boundary == "periodic" else difference_adjoint(y, -3)
