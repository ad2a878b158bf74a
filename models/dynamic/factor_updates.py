"""The update of both factors of a partially separable series: eq. (10), by conjugate gradients or by Adam."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxflow.models.dynamic.adam import Moments, adam_step, unfallen
from proxflow.models.dynamic.factor_problem import FactorProblem, Factors
from proxflow.models.solvers.inner_product import inner, ratio

# Curvature of the data term beside that of the coupling, for the preconditioner: of A^H A averaged over the
# frames, relative to ||A||^2; one view of CT has 1 at its lowest frequencies and about 1/J at the highest.
TYPICAL_CURVATURE = 0.1
# Of the mean diagonal: what keeps combinations of knots that no view saw where they are
KNOT_RIDGE = 1e-9
SINGULAR_FLOOR = 1e-4


def update_by_cg(problem: FactorProblem, factors: Factors, v: Tensor, *, n_steps: int) -> Factors:
    """L, Z <- lower J(L, Z): Z exactly for fixed L, then ``n_steps`` of CG on L for fixed Psi = U Z.

    Either half is a linear least-squares problem, so that J never rises. Passes over the operator (A and A^H
    once each): r / 2 for Z, 1 + n_steps for L.
    """
    factors = Factors(factors.spatial, best_knots(problem, factors, v))
    psi = problem.functions(factors.knots)
    eye = torch.eye(psi.shape[1], dtype=psi.dtype, device=psi.device)
    curvature = problem.beta + 2 * problem.weight * TYPICAL_CURVATURE
    # J is insensitive to a change of basis (L R^-T, Psi R): so is CG with this preconditioner
    inverse = torch.linalg.inv(curvature * (psi.mH @ psi) + (2 * problem.chi + curvature * 1e-6) * eye)
    x, r = factors.spatial, -problem.slope(factors, v).spatial
    n_axes = r.ndim
    z = (inverse @ r.flatten(1)).reshape(r.shape)
    p, rz = z, inner(r, z, n_axes)
    floor = torch.finfo(r.dtype).eps ** 2 * rz
    for _ in range(n_steps):
        m_p = problem.spatial_normal(p, psi)
        alpha = (ratio(rz, inner(p, m_p, n_axes)) * (rz > floor)).to(r.real.dtype)
        x, r = x + alpha * p, r - alpha * m_p
        z = (inverse @ r.flatten(1)).reshape(r.shape)
        before, rz = rz, inner(r, z, n_axes)
        p = z + ratio(rz, before).to(r.real.dtype) * p
    return balanced(problem, Factors(x, factors.knots))


def balanced(problem: FactorProblem, factors: Factors) -> Factors:
    """The factors of the same series L Psi^T with the least xi ||Psi||^2 + chi ||L||^2, in closed form.

    With the singular values s of the series, L Psi^T = W diag(s) V^T, they are L = W diag(s)^1/2 / c and
    Psi = V diag(s)^1/2 c, c^4 = chi / xi: the columns of Psi are orthogonal and ordered by their energy.
    Nothing changes where just one of xi and chi is 0, since then the least does not exist.

    A function whose s is rounding keeps a Psi, so that a later update may use it.
    """
    if (problem.xi > 0) != (problem.chi > 0):
        return factors
    between = (problem.chi / problem.xi) ** 0.25 if problem.xi else 1.0
    wide = torch.promote_types(factors.knots.dtype, torch.float64)
    basis = problem.basis.to(wide)
    outer, triangle = torch.linalg.qr(basis @ factors.knots.to(wide))
    left, s, right = torch.linalg.svd(triangle @ factors.spatial.flatten(1).to(wide), full_matrices=False)
    least = max(SINGULAR_FLOOR * float(s[0]), torch.finfo(s.dtype).tiny)
    scale = s.clamp_min(least).sqrt() * between
    knots = torch.linalg.pinv(basis) @ (outer @ left * scale)  # lstsq was not the same from call to call
    spatial = ((s / scale)[:, None] * right).to(factors.spatial.dtype).reshape(factors.spatial.shape)
    return Factors(problem.masked(spatial), knots.to(factors.knots.dtype))


def best_knots(problem: FactorProblem, factors: Factors, v: Tensor) -> Tensor:
    """argmin over Z of J(L, Z) for this L, by dense normal equations of size d r in double precision.

    Directions of Z that no view and no penalty decides stay as they are.
    """
    normal, right = problem.knot_system(factors.spatial, v)
    start = factors.knots.flatten().to(normal.dtype)
    ridge = KNOT_RIDGE * normal.diagonal().real.mean()
    system = normal + ridge * torch.eye(len(normal), dtype=normal.dtype, device=normal.device)
    change = torch.linalg.solve(system, right - normal @ start)
    return (start + change).reshape(factors.knots.shape).to(factors.knots.dtype)


def update_by_adam(
    problem: FactorProblem,
    factors: Factors,
    v: Tensor,
    moments: tuple[Moments, Moments],
    *,
    n_steps: int,
    rates: tuple[float, float],
) -> tuple[Factors, tuple[Moments, Moments]]:
    """L, Z <- ``n_steps`` of Adam on J in both factors at once, from ``moments`` of the steps before.

    Args:
        rates: step sizes for L, in its own unit, and for Z, at the first of the steps; they fall to nothing
            by half a cosine.

    One pass over the operator a step. Source: the released code's optimiser; its rate stays and its squares
    fall (``ReleasedRedPsm``), whereby iterates close to the least J are thrown off it again and again.
    """
    spatial, knots = factors
    by_spatial, by_knots = moments
    for k in range(n_steps):
        for_spatial, for_knots = (0.5 * (1 + math.cos(math.pi * k / n_steps)) * rate for rate in rates)
        slope = problem.slope(Factors(spatial, knots), v)
        spatial, after = adam_step(spatial, slope.spatial, by_spatial, for_spatial)
        by_spatial = unfallen(after, by_spatial)
        knots, after = adam_step(knots, slope.knots, by_knots, for_knots)
        by_knots = unfallen(after, by_knots)
    return Factors(spatial, knots), (by_spatial, by_knots)
