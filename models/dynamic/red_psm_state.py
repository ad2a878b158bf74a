"""What RED-PSM carries from one outer iteration to the next, and what it reports of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.dynamic.factor_problem import Factors
from proxflow.models.solvers.iteration import Measure

# Numbers of the last iteration; figures of the trace follow them. LEAST: residual on held-out views, and the
# iteration that had it; REFITTED: iterations since all views are given.
OBJECTIVE, CHANGE, RESIDUAL, INDEX, LEAST, LEAST_INDEX, REFITTED = range(7)
FIGURES = 7


class RedPsmState(NamedTuple):
    """Factors, image and dual; all that a step reads, so that a resumed run is the same run."""

    spatial: Tensor  # Lambda, (r, *domain)
    knots: Tensor  # Z, (d, r)
    f: Tensor  # (T, *domain)
    gamma: Tensor  # scaled dual of f = Lambda Psi^T
    denoised: Tensor  # D(f), which the next step needs and the objective of this one; empty without lam
    spatial_mean: Tensor  # Adam's moments, empty without Adam
    spatial_square: Tensor
    knots_mean: Tensor
    knots_square: Tensor
    adam_steps: Tensor
    best: Tensor  # the image to deliver if it ended now, and its factors
    best_knots: Tensor
    best_spatial: Tensor
    numbers: Tensor  # float64: those above, then the figures in the order of their names

    @property
    def factors(self) -> Factors:
        return Factors(self.spatial, self.knots)

    def number(self, which: int) -> float:
        return float(self.numbers[which])


def first_state(
    factors: Factors, f: Tensor, denoised: Tensor, image: Tensor, objective: float, n_figures: int
) -> RedPsmState:
    """Before the first step: dual and moments zero, nothing best yet.

    ``objective`` is that of the zero image, so that a run counts as diverged well above it: the objective at
    a least-squares start may be close to 0 and rise where noise is no longer fitted.
    """
    numbers = torch.zeros(FIGURES + n_figures, dtype=torch.float64)
    numbers[OBJECTIVE], numbers[CHANGE], numbers[LEAST] = objective, 1, math.inf
    empty = f.new_zeros(0)
    return RedPsmState(
        *factors,
        f,
        torch.zeros_like(f),
        denoised,
        empty,
        empty,
        empty,
        empty,
        torch.zeros((), dtype=torch.float64, device=f.device),
        image,
        factors.knots,
        factors.spatial,
        numbers,
    )


def with_numbers(
    state: RedPsmState,
    before: RedPsmState,
    image: Tensor,
    *,
    objective: float,
    change: float,
    residual: float,
    figures: Mapping[str, float],
) -> RedPsmState:
    """``state`` with its numbers, and ``image`` as the best where it predicts held-out views best so far.

    Where no residual on held-out views is found, since all are given, the last is the best.
    """
    index = before.number(INDEX) + 1
    held = figures.get("held_out_residual", math.nan)
    least, least_index, refitted = (before.number(which) for which in (LEAST, LEAST_INDEX, REFITTED))
    if held < least:
        least, least_index = held, index
    if math.isnan(held):
        refitted += 1
    if math.isnan(held) or least_index == index:
        state = state._replace(best=image, best_knots=state.knots, best_spatial=state.spatial)
    numbers = [objective, change, residual, index, least, least_index, refitted, *figures.values()]
    return state._replace(numbers=torch.tensor(numbers, dtype=torch.float64))


def measured(state: RedPsmState, names: tuple[str, ...]) -> Measure:
    """Objective, relative change, data residual and figures of the last iteration."""
    values = state.numbers.tolist()
    return (
        values[OBJECTIVE],
        values[CHANGE],
        values[RESIDUAL],
        tuple(zip(names, values[FIGURES:], strict=True)),
    )
