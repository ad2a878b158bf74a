"""RED-PSM's bilinear ADMM, as the equations have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from proxflow.models.dynamic.adam import Moments
from proxflow.models.dynamic.factor_problem import FactorProblem, Factors
from proxflow.models.dynamic.factor_updates import update_by_adam, update_by_cg
from proxflow.models.dynamic.red_psm_state import RedPsmState, first_state, with_numbers
from proxflow.models.dynamic.series_report import SeriesReport, norm
from proxflow.models.solvers.inner_product import inner
from proxflow.models.solvers.iteration import relative_change

FactorUpdate = Literal["cg", "adam"]
Delivered = Literal["object", "factors"]
SeriesMap = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class BilinearAdmm:
    """The augmented Lagrangian (9) and its three updates.

        L = w ||A L Psi^T - y||^2 + lam sum_t rho(f_t) + xi ||Psi||^2 + chi ||L||^2
            + beta/2 ||L Psi^T - f + gamma||^2 - beta/2 ||gamma||^2,   rho(x) = 1/2 <x, x - D(x)>

    Attributes:
        problem: its smooth part, with beta.
        denoise: D of a series; never called where lam is 0.
        nonnegative: f >= 0, an indicator function beside rho: f is projected after each fixed-point step
            (11), and L Psi^T follows by f = L Psi^T.
        n_red: fixed-point steps (11) an iteration.
        n_inner: steps of CG on L, or of Adam, an iteration.
        rates: step sizes of Adam for L and Z.
    """

    problem: FactorProblem
    denoise: SeriesMap
    report: SeriesReport
    lam: float
    nonnegative: bool
    n_red: int
    factor_update: FactorUpdate
    n_inner: int
    rates: tuple[float, float]
    deliver: Delivered

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.report.names, "lagrangian")

    def start(self, factors: Factors, objective: float) -> RedPsmState:
        """f = L Psi^T in the feasible set, gamma = 0."""
        x = self.problem.series(factors)
        f = self.feasible(x)
        denoised = self.denoise(f) if self.lam else f.new_zeros(0)
        state = first_state(factors, f, denoised, self.image(x, f), objective, len(self.names))
        if self.factor_update == "adam":
            zero, flat = torch.zeros_like(factors.spatial), torch.zeros_like(factors.knots)
            state = state._replace(spatial_mean=zero, spatial_square=zero, knots_mean=flat, knots_square=flat)
        return state

    def step(self, state: RedPsmState) -> RedPsmState:
        """(10), (11) and (12)."""
        after = self.update_factors(state, state.f - state.gamma)
        x = self.problem.series(after.factors)
        f, denoised = self.update_image(x + state.gamma, state.denoised, state.f)
        gamma = state.gamma + x - f
        after = after._replace(f=f, gamma=gamma, denoised=denoised)
        return self.numbered(after, state, x)

    def update_factors(self, state: RedPsmState, v: Tensor) -> RedPsmState:
        """(10): lower the smooth part in L and Z, with v = f - gamma."""
        if self.factor_update == "cg":
            factors = update_by_cg(self.problem, state.factors, v, n_steps=self.n_inner)
            return state._replace(spatial=factors.spatial, knots=factors.knots)
        moments = (
            Moments(state.spatial_mean, state.spatial_square, state.adam_steps),
            Moments(state.knots_mean, state.knots_square, state.adam_steps),
        )
        factors, (spatial, knots) = update_by_adam(
            self.problem, state.factors, v, moments, n_steps=self.n_inner, rates=self.rates
        )
        return state._replace(
            spatial=factors.spatial,
            knots=factors.knots,
            spatial_mean=spatial.mean,
            spatial_square=spatial.square,
            knots_mean=knots.mean,
            knots_square=knots.square,
            adam_steps=spatial.steps,
        )

    def update_image(self, target: Tensor, denoised: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
        """(11), ``n_red`` times: f <- P [lam D(f) + beta target] / (lam + beta); the last f and its D(f).

        A fixed point meets 0 in lam (f - D(f)) + beta (f - target) + N(f), N the normal cone of the feasible
        set. ``denoised`` is D(f) of the f before.
        """
        if not self.lam:
            return self.feasible(target), denoised
        beta = self.problem.beta
        for _ in range(self.n_red):
            f = self.feasible((self.lam * denoised + beta * target) / (self.lam + beta))
            denoised = self.denoise(f)
        return f, denoised

    def feasible(self, f: Tensor) -> Tensor:
        """The nearest image that is zero outside the field of view and, if asked, nowhere negative."""
        if self.problem.support is not None:
            f = f * self.problem.support
        return f.clamp_min(0) if self.nonnegative else f

    def image(self, x: Tensor, f: Tensor) -> Tensor:
        """What is delivered."""
        return f if self.deliver == "object" else x

    def numbered(self, after: RedPsmState, before: RedPsmState, x: Tensor) -> RedPsmState:
        """``after`` with the objective (7), the Lagrangian (9) and the other figures."""
        problem, f, gamma = self.problem, after.f, after.gamma
        rho = float(inner(f, f - after.denoised, f.ndim)) / 2 if self.lam else 0.0
        objective = problem.weight * problem.misfit(after.factors) + self.lam * rho
        objective += problem.penalty(after.factors, problem.functions(after.knots))
        image = self.image(x, f)
        figures = self.report.figures(image, x, f, gamma)
        coupling = norm(x - f + gamma) ** 2 - norm(gamma) ** 2
        return with_numbers(
            after,
            before,
            image,
            objective=objective,
            change=relative_change(norm(f - before.f), norm(f)),
            residual=self.report.residual(image),
            figures=figures | {"lagrangian": objective + problem.beta / 2 * coupling},
        )
