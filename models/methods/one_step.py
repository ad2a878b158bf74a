"""What a method without iterations reports, so that it looks like any other."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import scalars, squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Measure, Monitor, iterate, relative_change
from proxflow.operators.base import LinearOperator


class OneStepState(NamedTuple):
    x: Tensor  # (*batch, *domain)


def one_step(
    operator: LinearOperator,
    y: Tensor,
    image: Tensor,
    *,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """``image`` reported as one iteration from 0, with the objective 1/2 ||A x - y||^2.

    Costs one forward. Raises DivergenceError where the image is not finite.
    """
    y_norm = squared_norm(y, y.ndim)

    def measure(state: OneStepState) -> Measure:
        misfit_norm = squared_norm(operator.forward(state.x) - y, y.ndim) if state is not start else y_norm
        misfit, xx, yy = scalars(misfit_norm, squared_norm(state.x, state.x.ndim), y_norm)
        return 0.5 * misfit, relative_change(xx**0.5, xx**0.5), relative_change(misfit**0.5, yy**0.5)

    start = OneStepState(torch.zeros_like(image))
    state, trace = iterate(
        start,
        lambda state: OneStepState(image),
        n_iter=1,
        tol=0.0,
        measure=measure,
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)
