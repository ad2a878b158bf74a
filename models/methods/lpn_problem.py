"""What both iterations of ``lpn`` share: the misfit, the learned proximal operator, reports."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from proxflow.models.learned_prox.image_prox import ImageProx
from proxflow.models.solvers.inner_product import inner, over_image, squared_norm
from proxflow.operators.base import LinearOperator


@dataclass(frozen=True)
class LpnProblem:
    """h(x) + weight R(x), h = s ||A x - y||^2; b = A^H y, yy = ||y||^2, float64 (*batch).

    box: whether iterates are kept within 0 and 1 of their unit.
    """

    operator: LinearOperator
    b: Tensor
    yy: Tensor
    prox: ImageProx
    s: float
    box: bool

    @property
    def n_axes(self) -> int:
        return len(self.operator.domain_shape)

    def gradient(self, normal: Tensor) -> Tensor:
        """grad h(x) = 2 s A^H (A x - y), of A^H A x."""
        return 2 * self.s * (normal - self.b)

    def misfit(self, x: Tensor, normal: Tensor) -> Tensor:
        """||A x - y||^2 without applying A, float64 (*batch)."""
        return (self.yy + inner(x, normal - 2 * self.b, self.n_axes)).clamp_min(0)

    def boxed(self, x: Tensor) -> Tensor:
        """x within 0 and 1 of its unit."""
        most = over_image(self.prox.unit, x).expand(x.shape)
        return torch.minimum(x.clamp_min(0), most)

    def square(self, x: Tensor) -> Tensor:
        return squared_norm(x, self.n_axes)
