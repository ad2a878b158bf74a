"""How many temporal functions the measurements support, by views that were held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from proxflow.models.dynamic.factor_problem import FactorProblem, Factors
from proxflow.models.dynamic.factor_updates import update_by_cg
from proxflow.models.dynamic.held_out_views import held_out_residual
from proxflow.models.dynamic.start_values import StartFactors, resized
from proxflow.operators.frame_operator import FrameOperator

ROUNDS = 4
STEPS = 5  # of conjugate gradients in a round
PATIENCE = 2  # candidates in turn without a lower error, after which no more are tried
TIE = 0.01  # relative: of errors as close as this the fewest functions are taken


@dataclass(frozen=True)
class RankChoice:
    """n_functions: chosen.  tried: numbers of functions.  errors: ||A f - y|| / ||y|| on held-out views of
    each, the least of its rounds."""

    n_functions: int
    tried: list[int]
    errors: list[float]

    @property
    def curves(self) -> dict[str, list[list[float]]]:
        """For a report: the numbers tried and their errors."""
        return {"functions_tried": [[float(rank) for rank in self.tried], self.errors]}


def choose_rank(
    operator: FrameOperator,
    y: Tensor,
    held: Tensor,
    start: StartFactors,
    basis: Tensor,
    candidates: Sequence[int],
    *,
    seed: int,
) -> RankChoice:
    """The number of functions whose partially separable least squares predicts the held-out views best.

    For each candidate, from the leading functions of ``start``, or random ones added to them, both factors
    are fitted to the other views by rounds of ``update_by_cg``; stopping at the best round regularises,
    alike for all. No denoiser takes part: with one, a few functions more can be supported.

    Args:
        operator, y: with all measured views.  held: bool, as of ``split_views``; the others are fitted.
        start: found without the views in ``held``.

    Raises ValueError for a candidate that the basis cannot hold.
    """
    problem = FactorProblem(operator.with_mask(operator.mask & ~held), y, basis, beta=0.0)
    errors = list[float]()
    for rank in candidates:
        first = resized(start, basis, rank, seed)
        factors = Factors(first.spatial, first.knots)
        reached = [held_out_residual(operator, y, held, problem.series(factors))]
        for _ in range(ROUNDS):
            factors = update_by_cg(problem, factors, y.new_zeros(0), n_steps=STEPS)
            reached.append(held_out_residual(operator, y, held, problem.series(factors)))
        errors.append(min(reached))
        if len(errors) - errors.index(min(errors)) > PATIENCE:
            break
    enough = (1 + TIE) * min(errors)
    chosen = next(rank for rank, error in zip(candidates, errors, strict=False) if error <= enough)
    return RankChoice(chosen, list(candidates[: len(errors)]), errors)
