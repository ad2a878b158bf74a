"""From measurements and numbers to a solver of RED-PSM and its start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from proxflow.models.denoisers.denoiser import Denoiser
from proxflow.models.dynamic.factor_problem import FactorProblem, Factors
from proxflow.models.dynamic.held_out_views import Views, split_views
from proxflow.models.dynamic.rank_choice import RankChoice, choose_rank
from proxflow.models.dynamic.red_psm_admm import BilinearAdmm, Delivered, FactorUpdate
from proxflow.models.dynamic.red_psm_loop import Solver
from proxflow.models.dynamic.red_psm_state import LEAST
from proxflow.models.dynamic.released_red_psm import RATE, released_red_psm
from proxflow.models.dynamic.released_scale import PEAK, released_scale
from proxflow.models.dynamic.series_denoiser import ComplexDenoising, SeriesDenoiser, object_peak
from proxflow.models.dynamic.series_report import SeriesReport
from proxflow.models.dynamic.start_factors import StartKind, start_factors
from proxflow.models.dynamic.start_values import StartFactors, resized
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_projections import FrameProjections

Semantics = Literal["textbook", "released"]
Start = Literal["auto", "prosep", "low_rank", "polynomial"]
CG_STEPS, ADAM_STEPS = 10, 25
MOST_FUNCTIONS = 12  # tried where their number is left open
MORE_WITH_DENOISER = 2  # functions; the released files have 3 and 5 more than their start
RANK_STEPS = 12  # iterations that judge a number of functions
RANK_BETA = 2e-4  # and their coupling
HELD_OUT = 0.1  # share of the views that judge it where none are held out of the solver


@dataclass(frozen=True)
class RedPsmSetup:
    """The arguments of ``red_psm``, which says what they are; basis is U, (T, d)."""

    operator: FrameOperator
    y: Tensor
    denoiser: Denoiser
    views: Views
    basis: Tensor
    support: Tensor | None
    lam: float
    beta: float
    xi: float
    chi: float
    start: Start
    semantics: Semantics
    factor_update: FactorUpdate
    n_inner: int | None
    n_red: int
    nonnegative: bool
    complex_denoising: ComplexDenoising
    deliver: Delivered
    seed: int
    memory_bytes: int

    def started(self, n_functions: int, *, refit: bool) -> StartFactors:
        """Factors from the views given to the solver: those not held out, or, with ``refit``, all."""
        problem = self._problem(refit)
        found = start_factors(
            problem.operator,
            problem.y,
            basis=self.basis,
            n_functions=n_functions,
            kind=_kind(self.start, problem.operator),
            seed=self.seed,
        )
        return StartFactors(problem.masked(found.spatial), found.knots, found.curves)

    def fitted(
        self, bases: Sequence[Tensor], n_functions: int | None
    ) -> tuple[RedPsmSetup, int, dict[str, list[list[float]]]]:
        """This setup with the one of ``bases``, a number of functions, and curves of what was tried.

        Where there is a choice it is that with which the separable model alone predicts held-out views best,
        of errors within 1 % the fewest knots, then functions; with a denoiser two functions more.
        """
        if len(bases) == 1 and n_functions is not None:
            return replace(self, basis=bases[0]), n_functions, {}
        setups = [replace(self, basis=basis) for basis in bases]
        choices = [setup.chosen_functions(n_functions) for setup in setups]
        chosen = choose_rank(range(len(bases)), lambda i: choices[i].least).n_functions
        curves = dict[str, list[list[float]]]()
        if len(bases) > 1:
            knots = [float(basis.shape[1]) for basis in bases]
            curves["knots_tried"] = [knots, [choice.least for choice in choices]]
        if n_functions is None:
            curves |= choices[chosen].curves
            more = MORE_WITH_DENOISER if self.lam else 0
            n_functions = min(choices[chosen].n_functions + more, bases[chosen].shape[1])
        return setups[chosen], n_functions, curves

    def chosen_functions(self, n_functions: int | None) -> RankChoice:
        """The number of functions of this basis with which the separable model alone predicts held-out views
        best; of ``n_functions``, if given, the error is found alone.

        The model is fitted for every number by a few iterations without a denoiser, so that non-negativity
        and the field of view take part in the choice; all start from leading functions of one start.
        """
        views = self.views
        if not views.held.any():
            views = split_views(self.operator.mask, HELD_OUT, self.seed)
        alone = replace(
            self,
            views=views,
            lam=0.0,
            semantics="textbook",
            factor_update="cg",
            n_inner=CG_STEPS,
            deliver="object",
        )
        most = n_functions or min(MOST_FUNCTIONS, self.basis.shape[1])
        widest = alone.started(most, refit=False)

        def error(n_functions: int) -> float:
            solver, factors = alone.solver(resized(widest, self.basis, n_functions, self.seed), refit=False)
            state = solver.start(factors, math.nan)
            for _ in range(RANK_STEPS):
                state = solver.step(state)
            return state.number(LEAST)

        return choose_rank(range(n_functions or 1, most + 1), error)

    def solver(self, found: StartFactors, *, refit: bool) -> tuple[Solver, Factors]:
        """The solver of these views, and these factors in its unit."""
        problem, factors = self._problem(refit), Factors(found.spatial, found.knots)
        report = SeriesReport(self.operator, self.y, self.views, self.memory_bytes, refit)
        peak = object_peak(problem.series(factors))
        if self.semantics == "released":
            scale = released_scale(self.operator, peak)
            denoise = SeriesDenoiser(self.denoiser, PEAK, self.complex_denoising, self.memory_bytes)
            steps = self.n_inner or ADAM_STEPS
            released = released_red_psm(
                problem, scale, denoise, report, lam=self.lam, n_red=self.n_red, n_inner=steps
            )
            return released, factors._replace(spatial=scale.unit * factors.spatial)
        textbook = BilinearAdmm(
            problem,
            SeriesDenoiser(self.denoiser, peak, self.complex_denoising, self.memory_bytes),
            report,
            lam=self.lam,
            nonnegative=self.nonnegative,
            n_red=self.n_red,
            factor_update=self.factor_update,
            n_inner=self.n_inner or (CG_STEPS if self.factor_update == "cg" else ADAM_STEPS),
            rates=(RATE * peak / PEAK, RATE),
            deliver=self.deliver,
        )
        return textbook, factors

    def _problem(self, refit: bool) -> FactorProblem:
        given = self.operator if refit else self.operator.with_mask(self.views.given)
        return FactorProblem(
            given,
            given.masked(self.y),
            self.basis,
            self.beta,
            self.xi,
            self.chi,
            self.support,
            memory_bytes=self.memory_bytes,
        )


def _kind(start: Start, operator: FrameOperator) -> StartKind:
    """ProSep of projections, the series of least nuclear norm of anything else, unless asked for."""
    if start != "auto":
        return start
    return "prosep" if isinstance(operator, FrameProjections) else "low_rank"
