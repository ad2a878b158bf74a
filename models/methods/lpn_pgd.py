"""Proximal gradient descent with a learned proximal operator."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.methods.lpn_problem import LpnProblem
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import scalars
from proxflow.models.solvers.iteration import Checkpoint, Figures, Measure, Monitor, iterate, relative_change


class PgdState(NamedTuple):
    """Iterate; per-item numbers are float64 (*batch)."""

    x: Tensor  # (*batch, *domain)
    normal: Tensor  # A^H A x
    prior: Tensor  # R(x); NaN of the start, whose v nobody knows
    clipped: Tensor  # ||.||^2 of what was cut off x after f, and R was not told
    change: Tensor  # ||x_k - x_{k-1}||^2


def lpn_pgd(
    problem: LpnProblem,
    start: Tensor,
    *,
    eta: float,
    n_iter: int,
    tol: float,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x <- f(x - eta grad h(x)), for h + R / eta: f is the proximal operator of R, not of eta R, so that the
    length of the step is also the weight of the data.

    Reports: objective h(x) + R(x) / eta, by R(f(v)) = <f(v), v> - 1/2 ||f(v)||^2 - psi(v) free of cost;
    figures ``prior`` R(x), ``fixed_point_residual`` ||f(x - eta grad h(x)) - x|| / ||x|| of the iterate
    before, and ``clipped`` / ||x||.
    """

    def advanced(state: PgdState) -> PgdState:
        made = problem.prox(state.x - eta * problem.gradient(state.normal))
        x = problem.boxed(made.image) if problem.box else made.image
        clipped = made.clipped + problem.square(x - made.image)
        normal = problem.operator.normal(x)
        return PgdState(x, normal, made.prior, clipped, problem.square(x - state.x))

    def measure(state: PgdState) -> Measure:
        misfit, yy, prior, clipped, moved, size = scalars(
            problem.misfit(state.x, state.normal), problem.yy, state.prior, state.clipped, state.change,
            problem.square(state.x),
        )  # fmt: skip
        change = relative_change(moved**0.5, size**0.5)
        figures: Figures = (
            ("fixed_point_residual", change),
            ("clipped", relative_change(clipped**0.5, size**0.5)),
        )
        if problem.prox.prox.exact:
            figures = (("prior", prior), *figures)
        residual = relative_change(misfit**0.5, yy**0.5)
        return problem.s * misfit + prior / eta, change, residual, figures

    zeros = torch.zeros_like(problem.yy)
    state, trace = iterate(
        PgdState(start, problem.operator.normal(start), zeros + math.nan, zeros, zeros),
        advanced,
        n_iter=n_iter,
        tol=tol,
        measure=measure,
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)
