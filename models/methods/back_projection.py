"""Back-projection: delay and sum."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.methods.fitted_scale import fit_scale
from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator
from proxflow.operators.near_field_mimo import NearFieldMimo


def back_projection(
    operator: LinearOperator,
    y: Tensor,
    *,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = c sum over k, t, r of y exp(+j k_k (d_T + d_R)): every echo at its delay, with no amplitude.

    Args:
        operator: a ``NearFieldMimo``, of which all but the amplitude is used.
        y: complex, of the operator's range, unscaled.

    c is the factor, per item, with which A x meets y best; the sum alone has no unit. Two forwards and an
    adjoint. Raises TypeError for another operator, DivergenceError on NaN.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), their baseline, without c.
    """
    if not isinstance(operator, NearFieldMimo):
        raise TypeError(f"operator must be NearFieldMimo, got {type(operator).__name__}")
    image = operator.with_antenna_gain(None, None).adjoint(y)
    return one_step(operator, y, fit_scale(operator, y, image), monitor=monitor, resume=resume)
