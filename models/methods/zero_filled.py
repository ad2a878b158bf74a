"""The adjoint: what every other method is compared with."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import scalars, squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Measure, Monitor, iterate, relative_change
from proxflow.operators.base import LinearOperator


class ZeroFilledState(NamedTuple):
    x: Tensor  # (*batch, *domain)


def zero_filled(
    operator: LinearOperator,
    y: Tensor,
    *,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = A^H y, reported as one iteration from 0 with the objective 1/2 ||A x - y||^2.

    y: (*batch, *range), zero where nothing was sampled. No compensation for the sampling density.
    Costs one adjoint, and one forward for its report.
    """
    y_norm = squared_norm(y, y.ndim)

    def measure(state: ZeroFilledState) -> Measure:
        misfit_norm = squared_norm(operator.forward(state.x) - y, y.ndim) if state is not start else y_norm
        misfit, xx, yy = scalars(misfit_norm, squared_norm(state.x, state.x.ndim), y_norm)
        return 0.5 * misfit, relative_change(xx**0.5, xx**0.5), relative_change(misfit**0.5, yy**0.5)

    image = operator.adjoint(y)
    start = ZeroFilledState(torch.zeros_like(image))
    state, trace = iterate(
        start,
        lambda state: ZeroFilledState(image),
        n_iter=1,
        tol=0.0,
        measure=measure,
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)
