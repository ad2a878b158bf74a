"""The loop around RED-PSM's steps, when it ends, and the second run on all views."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from proxflow.models.dynamic.factor_problem import Factors
from proxflow.models.dynamic.red_psm_admm import BilinearAdmm
from proxflow.models.dynamic.red_psm_state import (
    CHANGE,
    INDEX,
    LEAST_INDEX,
    REFITTED,
    RedPsmState,
    measured,
)
from proxflow.models.dynamic.released_red_psm import ReleasedRedPsm
from proxflow.models.dynamic.series_report import norm
from proxflow.models.solvers.iteration import Checkpoint, Iteration, Monitor, iterate

Solver = BilinearAdmm | ReleasedRedPsm
Prepared = tuple[Solver, Factors]  # a solver, and where it starts


@dataclass(frozen=True)
class RedPsmLoop:
    """Until ``n_iter``, or f changes by less than ``tol``, or, where views are held out, ``patience``
    iterations after the one that predicts them best, once ``min_iter`` were done.

    Then, if ``refit`` is given, as many iterations as that one had on all views, from their own start: what
    was held out told how many, and is not lost. ``best`` of the state is the image to deliver.

    Attributes:
        first: of the views that are not held out.  refit: makes that of all views.
    """

    first: Prepared
    refit: Callable[[], Prepared] | None
    n_iter: int
    tol: float
    patience: int
    min_iter: int

    def run(
        self, *, monitor: Monitor | None, resume: Checkpoint | None
    ) -> tuple[RedPsmState, list[Iteration]]:
        """The last state, and one report per iteration."""
        if self.n_iter < 1 or not self.tol >= 0:
            raise ValueError(
                f"n_iter must be at least 1 and tol at least 0, got {self.n_iter} and {self.tol}"
            )
        solver, factors = self.first
        zero_image = solver.problem.weight * norm(solver.problem.y) ** 2
        return iterate(
            solver.start(factors, zero_image),
            self.step,
            n_iter=self.n_iter if self.refit is None else 2 * self.n_iter,
            tol=0.0,
            measure=lambda state: measured(state, solver.names),
            image=lambda state: state.best,
            done=self.done,
            monitor=monitor,
            resume=resume,
        )

    def step(self, state: RedPsmState) -> RedPsmState:
        """One iteration, on all views once the number of iterations is known."""
        if self.refit is None or not self.chosen(state):
            return self.first[0].step(state)
        solver, factors = self._again
        if not state.number(REFITTED):
            state = solver.start(factors, math.nan)._replace(numbers=state.numbers)
        return solver.step(state)

    def chosen(self, state: RedPsmState) -> bool:
        """Whether the iterations that leave views out have ended."""
        index = state.number(INDEX)
        if state.number(REFITTED) and self.refit is not None:
            return True
        late = bool(state.number(LEAST_INDEX)) and index - state.number(LEAST_INDEX) >= self.patience
        settled = index > 0 and state.number(CHANGE) < self.tol
        return index >= self.n_iter or settled or (late and index >= self.min_iter)

    def done(self, state: RedPsmState) -> bool:
        if self.refit is None:
            return self.chosen(state)
        return 0 < state.number(LEAST_INDEX) <= state.number(REFITTED)

    @cached_property
    def _again(self) -> Prepared:
        assert self.refit is not None
        return self.refit()
