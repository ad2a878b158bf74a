"""ADMM with a learned proximal operator, in the order x, u, z."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.methods.lpn_problem import LpnProblem
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.conjugate_gradient import cg_steps
from proxflow.models.solvers.inner_product import inner, scalars
from proxflow.models.solvers.iteration import Checkpoint, Figures, Measure, Monitor, iterate, relative_change

CG_TOLERANCE = 1e-5  # of the residual that a data step starts from


class LpnAdmmState(NamedTuple):
    """Iterates; per-item numbers are float64 (*batch). Without a box, w and its dual are empty."""

    x: Tensor  # (*batch, *domain)
    normal: Tensor  # A^H A x
    z: Tensor  # f(x + u)
    u: Tensor  # scaled dual variable of x = z
    w: Tensor  # x + t within the box
    t: Tensor  # scaled dual variable of x = w
    prior: Tensor  # R(z); NaN of the start
    clipped: Tensor  # ||.||^2 of what was cut off z after f, and R was not told
    apart: Tensor  # ||x - z||^2 + ||z_k - z_{k-1}||^2, and the same of w
    change: Tensor  # ||x_k - x_{k-1}||^2


def lpn_admm(
    problem: LpnProblem,
    start: Tensor,
    *,
    rho: float,
    n_iter: int,
    n_cg: int,
    tol: float,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """For h + rho R, the dual variable before the network:

        x <- argmin_x h(x) + rho/2 ||x - (z - u)||^2,   u <- u + x - z,   z <- f(x + u)

    and with a box the same for w = the nearest to x + t within 0 and 1. At a fixed point
    grad h(x) + rho (v - x) = 0 where x = f(v).

    It stops where the change is below ``tol`` that counts all of ||x - x_before||^2, ||x - z||^2 and
    ||z - z_before||^2, and the latter two of w: x alone hardly moves at first, whatever f is, where the start
    solves the data step and rho is large.

    Reports: as objective the augmented Lagrangian

        h(x) + rho R(z) + rho <u, x - z> + rho/2 ||x - z||^2

    which is h + rho R where x = z, and needs no more than R(z), free of cost. Where h is convex and
    rho >= L_h it never increases, as long as ``clipped`` is 0, and data steps are solved: x lowers it by at
    least rho/2 ||dx||^2 + ||dg||^2 / (2 L_h), z lowers it, u raises it by ||dg||^2 / rho, g = grad h(x) =
    -rho u, and ||dg|| <= L_h ||dx||. Figures: ``prior`` R(z), ``fixed_point_residual``
    (||x - z||^2 + ||z - z_before||^2)^1/2 / ||x||, and ``clipped`` / ||x||.

    image: x.
    """
    kappa, n_split = rho / (2 * problem.s), 2 if problem.box else 1

    def data_step(state: LpnAdmmState) -> tuple[Tensor, Tensor]:
        near = state.z - state.u + (state.w - state.t if problem.box else 0)
        right = problem.b + kappa * near
        found = cg_steps(
            lambda v: problem.operator.normal(v) + n_split * kappa * v,
            right,
            n_axes=problem.n_axes,
            n_iter=n_cg,
            x0=state.x,
            residual_tol=CG_TOLERANCE,
        )
        return found.x, right - found.r - n_split * kappa * found.x

    def advanced(state: LpnAdmmState) -> LpnAdmmState:
        x, normal = data_step(state)
        u = state.u + x - state.z
        made = problem.prox(x + u)
        apart = problem.square(x - made.image) + problem.square(made.image - state.z)
        w, t = state.w, state.t
        if problem.box:
            t = t + x - w
            w = problem.boxed(x + t)
            apart = apart + problem.square(x - w) + problem.square(w - state.w)
        moved = problem.square(x - state.x)
        return LpnAdmmState(x, normal, made.image, u, w, t, made.prior, made.clipped, apart, moved)

    def lagrangian(state: LpnAdmmState) -> Tensor:
        pairs = ((state.z, state.u), (state.w, state.t))[:n_split]
        value = problem.s * problem.misfit(state.x, state.normal) + rho * state.prior
        for copy, dual in pairs:
            gap = state.x - copy
            value = value + rho * inner(dual + gap / 2, gap, problem.n_axes)
        return value

    def measure(state: LpnAdmmState) -> Measure:
        misfit, yy, objective, prior, clipped, apart, moved, size = scalars(
            problem.misfit(state.x, state.normal), problem.yy, lagrangian(state), state.prior, state.clipped,
            state.apart, state.change, problem.square(state.x),
        )  # fmt: skip
        figures: Figures = (
            ("fixed_point_residual", relative_change(apart**0.5, size**0.5)),
            ("clipped", relative_change(clipped**0.5, size**0.5)),
        )
        if problem.prox.prox.exact:
            figures = (("prior", prior), *figures)
        residual = relative_change(misfit**0.5, yy**0.5)
        return objective, relative_change((moved + apart) ** 0.5, size**0.5), residual, figures

    zeros = torch.zeros_like(problem.yy)
    dual, none = torch.zeros_like(start), start.new_zeros(0)
    boxed, of_box = (problem.boxed(start), dual) if problem.box else (none, none)
    first = LpnAdmmState(
        start,
        problem.operator.normal(start),
        start,
        dual,
        boxed,
        of_box,
        zeros + math.nan,
        zeros,
        zeros,
        zeros,
    )
    state, trace = iterate(
        first,
        advanced,
        n_iter=n_iter,
        tol=tol,
        measure=measure,
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)
