"""Least squares by conjugate gradients, regularised by stopping early."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import over_image, ratio, scalars, squared_norm
from proxflow.models.solvers.iteration import (
    Checkpoint,
    Measure,
    Monitor,
    iterate,
    relative_change,
)
from proxflow.operators.base import LinearOperator


class CGLSState(NamedTuple):
    """x and what the recursion carries; per-item numbers are float64 (*batch)."""

    x: Tensor  # (*batch, *domain)
    r: Tensor  # residual y - A x, (*batch, *range)
    p: Tensor  # search direction
    ss: Tensor  # ||A^H r||^2
    rr: Tensor  # ||r||^2
    change: Tensor  # ||x_k - x_{k-1}||^2


def cgls(
    operator: LinearOperator,
    y: Tensor,
    *,
    n_iter: int = 30,
    noise_residual: float = 0.0,
    tol: float = 0.0,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x_k = argmin 1/2 ||A x - y||^2 over the k-th Krylov space of A^H A and A^H y, from x = 0:

        q = A p,  alpha = ||s||^2 / ||q||^2,  x <- x + alpha p,  r <- r - alpha q
        s = A^H r,  p <- s + (||s||^2 / ||s_old||^2) p

    Args:
        y: (*batch, *range); each batch item is a problem of its own.
        n_iter: the regulariser: the first iterations fit the object, later ones the noise as well.
        noise_residual: ||noise|| / ||y||, where it is known: an item goes no further once its
            ||A x - y|| / ||y|| is no larger, and the method stops when all are there (Morozov's
            discrepancy principle). 0 goes on to the least-squares solution of least norm.

    One forward and one adjoint per iteration, and one adjoint before the first. The residual reported is
    ||r||, no difference of large numbers: it holds its digits in single precision.

    Raises ValueError if noise_residual is not in [0, 1), DivergenceError on NaN or infinity.
    Source: Bjorck, Numerical Methods for Least Squares Problems (1996), sec. 7.4.
    """
    if not 0 <= noise_residual < 1:
        raise ValueError(f"noise_residual must be in [0, 1), got {noise_residual}")
    n_domain, n_range = len(operator.domain_shape), len(operator.range_shape)
    yy = squared_norm(y, n_range)
    enough = noise_residual**2 * yy

    def step(state: CGLSState) -> CGLSState:
        q = operator.forward(state.p)
        alpha = ratio(state.ss, squared_norm(q, n_range))
        alpha = torch.where(state.rr <= enough, 0.0, alpha)
        x = state.x + over_image(alpha, state.x) * state.p
        r = state.r - over_image(alpha, q) * q
        s = operator.adjoint(r)
        ss = squared_norm(s, n_domain)
        p = s + over_image(ratio(ss, state.ss), s) * state.p
        change = alpha**2 * squared_norm(state.p, n_domain)
        return CGLSState(x, r, p, ss, squared_norm(r, n_range), change)

    def measure(state: CGLSState) -> Measure:
        misfit, change, xx, y_norm = scalars(state.rr, state.change, squared_norm(state.x, n_domain), yy)
        change, residual = relative_change(change**0.5, xx**0.5), relative_change(misfit**0.5, y_norm**0.5)
        return 0.5 * misfit, change, residual

    s = operator.adjoint(y)
    ss = squared_norm(s, n_domain)
    state, trace = iterate(
        CGLSState(torch.zeros_like(s), y, s, ss, yy, torch.zeros_like(ss)),
        step,
        n_iter=n_iter,
        tol=tol,
        done=lambda state: bool((state.rr <= enough).all()),
        measure=measure,
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)
