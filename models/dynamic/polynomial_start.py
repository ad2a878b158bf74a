"""Polynomials as temporal functions, and the images that go with them: a start that needs no angles."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.dynamic.factor_problem import FactorProblem, Factors
from proxflow.models.dynamic.knot_training import orthonormal
from proxflow.models.dynamic.start_values import StartFactors, balanced, check_rank
from proxflow.models.solvers.conjugate_gradient import conjugate_gradient
from proxflow.operators.frame_operator import FrameOperator

SPATIAL_ITERATIONS = 20  # of the least squares for Lambda; more would fit the noise


def polynomial_knots(basis: Tensor, n_functions: int) -> Tensor:
    """Z, (d, r), of the polynomials of degree 0 .. r - 1 over the frames, fitted by U and made orthonormal.

    Raises ValueError unless 1 <= n_functions <= d.
    """
    check_rank(basis, n_functions)
    time = torch.linspace(-1, 1, len(basis), dtype=basis.dtype, device=basis.device)
    degrees = torch.arange(n_functions, device=basis.device)
    powers = torch.cos(degrees * torch.acos(time)[:, None])  # Chebyshev's: powers would be nearly parallel
    return orthonormal(torch.linalg.pinv(basis) @ powers, basis)


def polynomial_start(
    operator: FrameOperator, y: Tensor, basis: Tensor, n_functions: int, *, n_iter: int = SPATIAL_ITERATIONS
) -> StartFactors:
    """Psi: orthonormal polynomials. Lambda: least squares, ``n_iter`` conjugate gradients from 0."""
    knots = polynomial_knots(basis.double(), n_functions)
    return spatial_start(operator, y, basis, knots, n_iter=n_iter)


def spatial_start(
    operator: FrameOperator, y: Tensor, basis: Tensor, knots: Tensor, *, n_iter: int = SPATIAL_ITERATIONS
) -> StartFactors:
    """Lambda = argmin ||A Lambda Psi^T - y||^2 for Psi = U Z, by ``n_iter`` conjugate gradients from 0."""
    problem = FactorProblem(operator, y, basis, beta=0.0)
    knots = knots.to(y.dtype)
    psi = problem.functions(knots)
    zero = y.new_zeros(knots.shape[1], *operator.frame_domain)
    right = -problem.slope(Factors(zero, knots), y.new_zeros(0)).spatial
    spatial = conjugate_gradient(
        lambda direction: problem.spatial_normal(direction, psi), right, n_axes=zero.ndim, n_iter=n_iter
    )
    return balanced(spatial, knots, basis)
