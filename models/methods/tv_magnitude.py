"""Piecewise constant reflectivity: total variation of the magnitude under a data constraint."""

from __future__ import annotations

import math

from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.priors.total_variation import tv_prox
from proxflow.models.solvers.constrained_admm import constrained_admm
from proxflow.models.solvers.constrained_step import AdmmNumbers
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator


def tv_magnitude(
    operator: LinearOperator,
    y: Tensor,
    *,
    n_iter: int = 200,
    alpha: float = 0.01,
    kappa: float = 0.013,
    tol: float = 5e-4,
    epsilon: float | Tensor = 0.1,
    n_inner: int = 10,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """min TV(|s|) subject to ||A s - y|| <= epsilon ||y||, by ADMM (``constrained_admm``).

    TV is isotropic over the operator's two or three image axes; phases are free. Not convex: a background of
    constant magnitude costs nothing and its phases are free to take up noise, so that data which do not
    nearly determine the image leave it filled. ``l1`` is the safer of the two there.

    Args:
        alpha: weight of TV in an iteration's proximal map, for magnitudes whose peak is 1 in the image that
            the method starts from.
        n_inner: iterations of the dual problem of that map, which starts where the last one ended.

    The others, and errors, as ``l1``.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), their baseline; their inner problem takes
    5 cold steps of a primal-dual method with oversized bounds and ends far from the proximal map.
    """
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha must be at least 0, got {alpha}")
    n_axes = len(operator.domain_shape)
    batch = y.shape[: y.ndim - len(operator.range_shape)]
    dual = y.real.new_zeros((*batch, n_axes, *operator.domain_shape))

    def denoise(magnitude: Tensor, memory: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        return tv_prox(magnitude, strength * alpha, n_iter=n_inner, dual=memory, n_axes=n_axes)

    image, trace = constrained_admm(
        operator,
        y,
        denoise,
        dual,
        AdmmNumbers(kappa, epsilon, n_iter, tol),
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(image, trace)
