"""The series of least nuclear norm: a start of RED-PSM that takes the functions of time from the data."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.dynamic.knot_training import orthonormal
from proxflow.models.dynamic.start_values import StartFactors, balanced
from proxflow.models.priors.singular_values import largest_singular_value, singular_value_threshold
from proxflow.models.solvers.fista import fista
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.operators.frame_operator import FrameOperator

WEIGHT = 3e-4  # of the nuclear norm, relative to the largest singular value of A^H y
ITERATIONS = 100


def low_rank_start(
    operator: FrameOperator, y: Tensor, basis: Tensor, n_functions: int, *, n_iter: int = ITERATIONS
) -> StartFactors:
    """The ``n_functions`` leading singular vectors of P x, P the projection onto the span of U over time, of

        x = argmin 1/2 ||A x - y||^2 + a ||x||_*,

    x as a matrix (frame, pixel), by FISTA from 0: what the bilinear problem becomes when the rank is bounded
    by its convex envelope. So it has no other minima, and takes the functions of time from the data.

    Source: Recht, Fazel & Parrilo, SIAM Review 52:471 (2010), for the envelope and its factors; the choice
    of it as the start is ours.
    """
    series = least_nuclear_norm(operator, y, n_iter=n_iter)
    wide = basis.double()
    knots = orthonormal(torch.eye(basis.shape[1], dtype=wide.dtype, device=wide.device), wide)
    psi = (wide @ knots).to(series.dtype)  # Psi^T Psi = T
    spatial = (psi.mT @ series.flatten(1) / len(wide)).reshape(-1, *series.shape[1:])
    found = balanced(spatial, knots.to(series.dtype), basis)
    return StartFactors(found.spatial[:n_functions], found.knots[:, :n_functions])


def least_nuclear_norm(operator: FrameOperator, y: Tensor, *, n_iter: int = ITERATIONS) -> Tensor:
    """x of ``low_rank_start``, (T, *domain), with a = 3e-4 of the largest singular value of A^H y.

    operator: of norm at most 1.
    """
    right = operator.adjoint(y)
    a = WEIGHT * largest_singular_value(right.flatten(1))

    def prox(v: Tensor, step: float, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        low, norm = singular_value_threshold(v.flatten(1), step * a)
        return low.reshape(v.shape), torch.tensor(a * norm, dtype=torch.float64, device=v.device), memory

    series, _ = fista(
        operator.normal,
        right,
        squared_norm(y, y.ndim),
        prox,
        y.new_zeros(0),
        n_axes=right.ndim,
        lipschitz=1.0,
        n_iter=n_iter,
        tol=1e-4,
    )
    return series
