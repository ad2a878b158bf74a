"""Multiplication of every entry by a number of its own."""

from __future__ import annotations

from torch import Tensor

from proxflow.operators.base import LinearOperator, check_trailing_axes


class Diagonal(LinearOperator):
    """y = w x, entry by entry.

    Args:
        weights: w, real or complex, of the shape of x.

    x, y: (*batch, *weights.shape), complex where w is. Raises ValueError for other trailing axes.
    """

    weights: Tensor

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)
        self.domain_shape = self.range_shape = tuple(weights.shape)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self.weights * x

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        return self.weights.conj() * y
