"""The quadratic half of ADMM's iterations: nearest to two points at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from torch import Tensor

from proxflow.models.solvers.conjugate_gradient import conjugate_gradient
from proxflow.operators.base import LinearOperator
from proxflow.operators.woodbury import Woodbury, has_gram

CG_STEPS, CG_TOLERANCE = 5, 1e-5
WOODBURY_MEASUREMENTS = 4096  # most, for memory's sake
# Measurements per iteration up to which the Gram matrix costs less than the products of CG that it saves:
# made from the operator's structure (measured: its large products run at twice the rate), and by applications
WOODBURY_STRUCTURED, WOODBURY_APPLIED = 40, 6

DataUpdate = Literal["auto", "woodbury", "cg"]
DataStep = Callable[[Tensor, Tensor, Tensor, float], tuple[Tensor, Tensor]]
"""(v, w, start, kappa) -> s = argmin kappa ||s - v||^2 + ||A s - w||^2 and A s."""


def data_step(
    operator: LinearOperator,
    y: Tensor,
    kappa: float,
    n_iter: int,
    *,
    update: DataUpdate = "auto",
    kappa_changes: bool = False,
) -> DataStep:
    """Solve (kappa I + A^H A) s = kappa v + A^H w.

    Args:
        y: of the dtype, and on the device, of the data to come.
        n_iter: for how many iterations: the more, the sooner a factor pays.
        update: "woodbury": exactly, by a factor made once (``Woodbury``, up to 8192 measurements); "cg": 5
            steps of conjugate gradients from ``start``, at most, to 1e-5; "auto": by which costs less,
            ``kappa`` staying as it is, and by CG otherwise.
        kappa_changes: from call to call; a factor is for one.

    Raises ValueError if a factor is asked for and kappa changes, or there are too many measurements.
    """
    if update == "woodbury" and kappa_changes:
        raise ValueError("update must be cg where kappa grows, got woodbury, whose factor is for one kappa")
    if takes_factor(operator, n_iter, update=update, kappa_changes=kappa_changes):
        exact = Woodbury(operator, kappa, dtype=y.dtype, device=y.device)
        return lambda v, w, start, kappa: exact.nearest(v, w)
    n_axes = len(operator.domain_shape)

    def by_cg(v: Tensor, w: Tensor, start: Tensor, kappa: float) -> tuple[Tensor, Tensor]:
        s = conjugate_gradient(
            lambda x: operator.normal(x) + kappa * x,
            kappa * v + operator.adjoint(w),
            n_axes=n_axes,
            n_iter=CG_STEPS,
            tol=CG_TOLERANCE,
            x0=start,
        )
        return s, operator.forward(s)

    return by_cg


def takes_factor(
    operator: LinearOperator, n_iter: int, *, update: DataUpdate = "auto", kappa_changes: bool = False
) -> bool:
    """Whether ``data_step`` makes a factor of the least squares."""
    if update != "auto" or kappa_changes:
        return update == "woodbury"
    worth = WOODBURY_STRUCTURED if has_gram(operator) else WOODBURY_APPLIED
    return math.prod(operator.range_shape) <= min(WOODBURY_MEASUREMENTS, worth * n_iter)
