"""The loop around RED-PSM's steps, and when it ends."""

from __future__ import annotations

from proxflow.models.dynamic.factor_problem import Factors
from proxflow.models.dynamic.red_psm_admm import BilinearAdmm
from proxflow.models.dynamic.red_psm_state import INDEX, LEAST_INDEX, RedPsmState, measured
from proxflow.models.dynamic.released_red_psm import ReleasedRedPsm
from proxflow.models.dynamic.series_report import norm
from proxflow.models.solvers.iteration import Checkpoint, Iteration, Monitor, iterate


def run_red_psm(
    solver: BilinearAdmm | ReleasedRedPsm,
    factors: Factors,
    *,
    n_iter: int,
    tol: float,
    patience: int,
    min_iter: int,
    monitor: Monitor | None,
    resume: Checkpoint | None,
) -> tuple[RedPsmState, list[Iteration]]:
    """From these factors until ``n_iter``, or the relative change < ``tol``, or, where views are held out,
    ``patience`` iterations after the one that predicts them best, once ``min_iter`` were done.

    ``best`` of the state is the image to deliver.
    """
    zero_image = solver.problem.weight * norm(solver.problem.y) ** 2

    def done(state: RedPsmState) -> bool:
        index = state.number(INDEX)
        return index >= min_iter and index - state.number(LEAST_INDEX) >= patience

    return iterate(
        solver.start(factors, zero_image),
        solver.step,
        n_iter=n_iter,
        tol=tol,
        measure=lambda state: measured(state, solver.names),
        image=lambda state: state.best,
        done=done,
        monitor=monitor,
        resume=resume,
    )
