"""Forward differences along y and x, the gradient of total variation."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, check_trailing_axes

Boundary = Literal["neumann", "periodic"]


class FiniteDifference(LinearOperator):
    """(D x)_0 = x[i + 1, j] - x[i, j],  (D x)_1 = x[i, j + 1] - x[i, j];  ||D||^2 <= 8.

    Args:
        shape: (ny, nx).
        boundary: at the far edge the difference is zero ("neumann") or wraps round ("periodic").

    x: (*batch, ny, nx), real or complex.  y: (*batch, 2, ny, nx), differences along y, then x, per
    pixel, in the unit of x. The adjoint is minus the divergence with matching boundaries.
    Raises ValueError if ``shape`` or ``boundary`` is not one of these, or the trailing axes differ.
    Source: Chambolle, J. Math. Imaging Vis. 20:89 (2004).
    """

    def __init__(self, shape: tuple[int, int], boundary: Boundary = "neumann") -> None:
        super().__init__()
        if len(shape) != 2 or min(shape) < 1:
            raise ValueError(f"shape must be two positive sizes (ny, nx), got {tuple(shape)}")
        if boundary not in get_args(Boundary):
            raise ValueError(f"boundary must be one of {get_args(Boundary)}, got {boundary!r}")
        self.boundary = boundary
        self.domain_shape = tuple(shape)
        self.range_shape = (2, *shape)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        if self.boundary == "periodic":
            differences = [torch.roll(x, -1, dims=axis) - x for axis in (-2, -1)]
        else:
            differences = [difference(x, axis) for axis in (-2, -1)]
        return torch.stack(differences, dim=-3)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        along_y, along_x = y.unbind(dim=-3)
        if self.boundary == "periodic":
            return torch.roll(along_y, 1, dims=-2) - along_y + torch.roll(along_x, 1, dims=-1) - along_x
        return difference_adjoint(along_y, -2) + difference_adjoint(along_x, -1)


def difference(x: Tensor, axis: int) -> Tensor:
    edge = torch.zeros_like(x.narrow(axis, 0, 1))
    return torch.cat([x.diff(dim=axis), edge], dim=axis)


def difference_adjoint(y: Tensor, axis: int) -> Tensor:
    inner = y.narrow(axis, 0, y.shape[axis] - 1)
    edge = torch.zeros_like(y.narrow(axis, 0, 1))
    return torch.cat([edge, inner], dim=axis) - torch.cat([inner, edge], dim=axis)
