"""Operators exchanged with SigPy: ours for its apps, its own under our solvers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes

if TYPE_CHECKING:
    import numpy as np
    import sigpy


def to_sigpy(operator: LinearOperator) -> sigpy.linop.Linop:
    """A SigPy linop, on NumPy arrays without batch axes, that calls ``operator``.

    Its ``.H`` calls ``adjoint`` and its ``.N`` calls ``normal``. The operator must be on the CPU.
    """
    forward = _sigpy_linop(operator.range_shape, operator.domain_shape, operator.forward)
    adjoint = _sigpy_linop(operator.domain_shape, operator.range_shape, operator.adjoint)
    normal = _sigpy_linop(operator.domain_shape, operator.domain_shape, operator.normal)
    forward.adj, adjoint.adj, normal.adj = adjoint, forward, normal
    forward.normal = normal
    return forward


def _sigpy_linop(oshape, ishape, function):  # type: ignore[no-untyped-def]
    import sigpy

    class TorchLinop(sigpy.linop.Linop):
        def _apply(self, array: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return function(torch.from_numpy(array)).resolve_conj().numpy()

    return TorchLinop(list(oshape), list(ishape))


def from_sigpy(linop: sigpy.linop.Linop) -> LinearOperator:
    """An operator that calls a SigPy linop, on the CPU, one batch item after another."""
    return _FromSigpy(linop)


class _FromSigpy(LinearOperator):
    """A of a SigPy linop. Its output is converted to the dtype of the input."""

    def __init__(self, linop: sigpy.linop.Linop) -> None:
        super().__init__()
        self.linop = linop
        self.domain_shape, self.range_shape = tuple(linop.ishape), tuple(linop.oshape)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return apply_linear(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        return apply_linear(y, self._adjoint, self._forward)

    def normal(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return apply_linear(x, self._normal, self._normal)

    def _forward(self, x: Tensor) -> Tensor:
        return _apply_to_items(self.linop, x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return _apply_to_items(self.linop.H, y)

    def _normal(self, x: Tensor) -> Tensor:
        return _apply_to_items(self.linop.N, x)


def _apply_to_items(linop: sigpy.linop.Linop, x: Tensor) -> Tensor:
    batch = x.shape[: x.ndim - len(linop.ishape)]
    items = x.resolve_conj().reshape(-1, *linop.ishape)
    results = [torch.from_numpy(linop(item.numpy())).to(x.dtype) for item in items]
    return torch.stack(results).reshape(*batch, *linop.oshape)
