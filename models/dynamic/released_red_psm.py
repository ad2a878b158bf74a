"""RED-PSM as its authors' released code computes it, which is not what its equations say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from proxflow.models.dynamic.adam import Moments, adam_step
from proxflow.models.dynamic.factor_problem import FactorProblem, Factors, Slope, frames_of
from proxflow.models.dynamic.red_psm_admm import SeriesMap
from proxflow.models.dynamic.red_psm_state import RedPsmState, first_state, with_numbers
from proxflow.models.dynamic.released_scale import ReleasedScale
from proxflow.models.dynamic.series_report import SeriesReport, norm
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import relative_change
from proxflow.operators.frame_operator import FrameOperator

RATE = 5e-3  # of Adam, for both factors


@dataclass(frozen=True)
class ReleasedRedPsm:
    """The released code's updates; all in its units, see ``released_units``.

        x = max(0, mask * L Psi^T)
        loss = mean((A x - y)^2) + beta/2 ||x - f + gamma|| + xi mean(Psi^2) + chi mean(L^2)

    Its norm is not squared. Of L and Z, ``n_inner`` steps of Adam are taken, one optimiser for the whole run;
    the x of the last of them, before its step, goes into f <- [lam D(f) + beta (x + gamma)] / (lam + beta)
    and gamma <- gamma + x - f. f and gamma start at zero. The mean is over the entries of the views given.

    Not taken over: which iterate is delivered is not decided by the ground truth.
    Source: spec 5.2, of github.com/berkiskender/RED-PSM at a7d7572.
    """

    problem: FactorProblem  # for its numbers, frames in pieces and Psi; its objective is another
    denoise: SeriesMap
    report: SeriesReport
    lam: float
    n_red: int
    n_inner: int
    unit: float  # f is this times the delivered image

    @property
    def names(self) -> tuple[str, ...]:
        return self.report.names

    def start(self, factors: Factors, objective: float) -> RedPsmState:
        """f = gamma = 0."""
        f = self.problem.y.new_zeros(self.problem.operator.domain_shape)
        state = first_state(factors, f, f.new_zeros(0), f, objective, len(self.names))
        zero, flat = torch.zeros_like(factors.spatial), torch.zeros_like(factors.knots)
        return state._replace(spatial_mean=zero, spatial_square=zero, knots_mean=flat, knots_square=flat)

    def step(self, state: RedPsmState) -> RedPsmState:
        factors, f, gamma = state.factors, state.f, state.gamma
        by_spatial = Moments(state.spatial_mean, state.spatial_square, state.adam_steps)
        by_knots = Moments(state.knots_mean, state.knots_square, state.adam_steps)
        x, slope = f, None
        for _ in range(self.n_inner):
            x = self.clipped(factors)
            slope = self.slope(factors, x, f - gamma)
            spatial, by_spatial = adam_step(factors.spatial, slope.spatial, by_spatial, RATE)
            knots, by_knots = adam_step(factors.knots, slope.knots, by_knots, RATE)
            factors = Factors(spatial, knots)
        assert slope is not None
        target, beta = x + gamma, self.problem.beta
        for _ in range(self.n_red):
            weighted = self.lam * self.denoise(f) if self.lam else 0.0
            f = self.inside((weighted + beta * target) / (self.lam + beta))
        gamma = gamma + x - f
        image = f / self.unit
        after = state._replace(
            spatial=factors.spatial,
            knots=factors.knots,
            f=f,
            gamma=gamma,
            spatial_mean=by_spatial.mean,
            spatial_square=by_spatial.square,
            knots_mean=by_knots.mean,
            knots_square=by_knots.square,
            adam_steps=by_spatial.steps,
        )
        return with_numbers(
            after,
            state,
            image,
            objective=slope.value,
            change=relative_change(norm(f - state.f), norm(f)),
            residual=self.report.residual(image),
            figures=self.report.figures(image, x, f, gamma),
        )

    def clipped(self, factors: Factors) -> Tensor:
        """max(0, mask * L Psi^T)."""
        return self.inside(self.problem.series(factors)).clamp_min(0)

    def inside(self, f: Tensor) -> Tensor:
        return self.problem.masked(f)

    def slope(self, factors: Factors, x: Tensor, v: Tensor) -> Slope:
        """The loss and its gradients at factors whose clipped series is x; v = f - gamma."""
        problem, operator = self.problem, self.problem.operator
        psi, flat = problem.functions(factors.knots), factors.spatial.flatten(1)
        by_spatial, by_psi = torch.zeros_like(flat), 2 * problem.xi / psi.numel() * psi
        distance, misfit = norm(x - v), 0.0
        pull = problem.beta / 2 / distance if distance else 0.0
        for frames in problem.pieces():
            residual = operator.forward_of(x[frames], frames) - problem.y[frames]
            misfit += float(squared_norm(residual, residual.ndim))
            gradient = 2 * problem.weight * operator.adjoint_of(residual, frames)
            gradient = gradient + pull * (x[frames] - v[frames])
            passed = frames_of(factors.spatial, psi, frames) >= 0
            gradient = self.inside(gradient * passed).flatten(1)
            by_spatial = by_spatial + psi[frames].mT @ gradient
            by_psi[frames] += gradient @ flat.mT
        by_spatial = by_spatial + 2 * problem.chi / flat.numel() * flat
        value = problem.weight * misfit + problem.beta / 2 * distance
        value += float(problem.xi * psi.square().mean() + problem.chi * flat.square().mean())
        return Slope(
            by_spatial.reshape(factors.spatial.shape), problem.basis.to(by_psi.dtype).mT @ by_psi, value
        )


def released_red_psm(
    problem: FactorProblem,
    scale: ReleasedScale,
    denoise: SeriesMap,
    report: SeriesReport,
    *,
    lam: float,
    n_red: int,
    n_inner: int,
) -> ReleasedRedPsm:
    """The solver of ``problem``, which is in any unit, in the unit of the released code."""
    operator = scale.gain * problem.operator
    assert isinstance(operator, FrameOperator)
    entries = float(operator.masked(torch.ones_like(problem.y)).sum())
    there = replace(
        problem, operator=operator, y=scale.gain * scale.unit * problem.y, data_weight=1 / entries
    )
    return ReleasedRedPsm(there, denoise, report, lam=lam, n_red=n_red, n_inner=n_inner, unit=scale.unit)
