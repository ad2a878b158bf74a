"""The adjoint: what every other method is compared with."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator


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
    return one_step(operator, y, operator.adjoint(y), monitor=monitor, resume=resume)
