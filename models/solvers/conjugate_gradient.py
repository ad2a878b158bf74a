"""Conjugate gradients for Hermitian positive (semi-)definite systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.solvers.inner_product import inner, over_image, ratio, scalars, squared_norm
from proxflow.models.solvers.iteration import Measure, iterate, relative_change

Map = Callable[[Tensor], Tensor]
START_ROUNDING = 16.0  # eps that M x0 is rounded by, also where M is singular and nothing can take it away


class CGState(NamedTuple):
    """x and what conjugate gradients carry; per-item numbers are float64 (*batch)."""

    x: Tensor  # (*batch, *domain)
    r: Tensor  # residual b - M x
    p: Tensor  # search direction
    rr: Tensor  # ||r||^2
    change: Tensor  # ||x_k - x_{k-1}||^2
    floor: Tensor  # (eps ||b||)^2, or with a start its own, which rounding leaves of the residual


def cg_start(b: Tensor, n_axes: int, *, matrix: Map | None = None, x0: Tensor | None = None) -> CGState:
    """The state before the first step: x = 0, or ``x0`` at the cost of one application of ``matrix``."""
    r, floor = b, torch.finfo(b.dtype).eps ** 2 * squared_norm(b, n_axes)
    if x0 is not None:
        if matrix is None:
            raise ValueError("matrix must be given with x0, got None")
        m_x0 = matrix(x0)
        r = b - m_x0
        floor = START_ROUNDING**2 * (floor + torch.finfo(b.dtype).eps ** 2 * squared_norm(m_x0, n_axes))
    x = torch.zeros_like(b) if x0 is None else x0
    rr = squared_norm(r, n_axes)
    return CGState(x, r, r, rr, torch.zeros_like(rr), floor)


def cg_step(state: CGState, *, matrix: Map, n_axes: int) -> CGState:
    """One iteration, one application of M = ``matrix``:

        alpha = ||r||^2 / <p, M p>,  x <- x + alpha p,  r <- r - alpha M p
        beta = ||r_new||^2 / ||r||^2,  p <- r_new + beta p

    alpha and beta are per item. An item stays where it is once ||r|| <= eps ||b||, eps that of the dtype:
    from there on r and p are rounding errors, and in the end steps along them diverge.
    Source: Hestenes & Stiefel, J. Res. Natl. Bur. Stand. 49:409 (1952).
    """
    m_p = matrix(state.p)
    alpha = ratio(state.rr, inner(state.p, m_p, n_axes)) * (state.rr > state.floor)
    alpha_x = over_image(alpha, state.x)
    x = state.x + alpha_x * state.p
    r = state.r - alpha_x * m_p
    rr = squared_norm(r, n_axes)
    p = r + over_image(ratio(rr, state.rr), r) * state.p
    return CGState(x, r, p, rr, alpha**2 * squared_norm(state.p, n_axes), state.floor)


class CGFound(NamedTuple):
    """x and its residual r = b - M x, both (*batch, *domain)."""

    x: Tensor
    r: Tensor


def cg_steps(
    matrix: Map,
    b: Tensor,
    *,
    n_axes: int,
    n_iter: int,
    x0: Tensor | None = None,
    residual_tol: float = 0.0,
) -> CGFound:
    """``n_iter`` times ``cg_step``, without the reports and checks of ``conjugate_gradient``, which cost as
    much as small operators do; and in one place in memory, so that ``matrix`` must not keep what it is given.

    residual_tol: stop where every item's ||r|| is at most so many times its first, or what rounding leaves.
    """
    start = cg_start(b, n_axes, matrix=matrix, x0=x0)
    least = torch.maximum(residual_tol**2 * start.rr, start.floor)
    x, r, p = (part.clone(memory_format=torch.contiguous_format) for part in start[:3])
    rr = start.rr
    for k in range(n_iter):
        m_p = matrix(p)
        alpha = ratio(rr, inner(p, m_p, n_axes)) * (rr > start.floor)
        x.addcmul_(over_image(alpha, x).to(x.dtype), p)
        r.addcmul_(over_image(-alpha, r).to(r.dtype), m_p)
        if k == n_iter - 1:
            break
        before, rr = rr, squared_norm(r, n_axes)
        if residual_tol and bool((rr <= least).all()):
            break
        p.mul_(over_image(ratio(rr, before), p)).add_(r)
    return CGFound(x, r)


def conjugate_gradient(
    matrix: Map, b: Tensor, *, n_axes: int, n_iter: int, tol: float = 0.0, x0: Tensor | None = None
) -> Tensor:
    """x = M^-1 b for a Hermitian positive definite ``matrix`` M, e.g. v -> A^H A v + rho v.

    Args:
        b: (*batch, *domain), real or complex; each batch item is a system of its own.
        n_axes: how many trailing axes one item has, len(domain).
        tol: stop where ||x_k - x_{k-1}|| < tol ||x_k||.
        x0: start, at the cost of one more application of M; zero otherwise.

    Raises DivergenceError on NaN or infinity.
    """

    def measure(state: CGState) -> Measure:
        x_norm, change, rr, bb = scalars(squared_norm(state.x, n_axes), state.change, state.rr, b_norm)
        residual = relative_change(rr**0.5, bb**0.5)
        return float("nan"), relative_change(change**0.5, x_norm**0.5), residual

    b_norm = squared_norm(b, n_axes)
    state, _ = iterate(
        cg_start(b, n_axes, matrix=matrix, x0=x0),
        lambda state: cg_step(state, matrix=matrix, n_axes=n_axes),
        n_iter=n_iter,
        tol=tol,
        measure=measure,
        image=lambda state: state.x,
    )
    return state.x
