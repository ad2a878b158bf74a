"""Stages of a training with proximal matching: losses, learning rates and gammas by step."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from proxflow.models.learned_prox.matching import proximal_matching
from proxflow.models.networks.trainee import falling

Loss = Literal["l2", "l1", "matching"]
GAMMA_FACTORS = (8, 4, 2, 1)  # of the last gamma, in four stages of one length


@dataclass(frozen=True)
class Stage:
    """So many steps of Adam at one rate; gamma: of proximal matching alone."""

    loss: Loss
    rate: float
    n_steps: int
    gamma: float = 0.0


def stage_loss(stage: Stage, found: Tensor, clean: Tensor) -> Tensor:
    """A scalar: the mean of squares (l2) or magnitudes (l1) of f(y) - x, or ``proximal_matching``."""
    if stage.loss == "matching":
        return proximal_matching(found, clean, stage.gamma)
    error = found - clean
    return (error.square() if stage.loss == "l2" else error.abs()).mean()


def image_stages(
    n_steps: int, *, share: float, rate: float, matching_rate: float, gamma: float
) -> tuple[Stage, ...]:
    """Absolute errors for the first ``share`` of the steps, then proximal matching with gammas of 8, 4, 2
    and 1 times ``gamma``, each for a quarter of what is left; stages without a step are left out.

    Source: the training of Fang, Buchanan & Sulam, ICLR 2024: 20 000 steps at 1e-3, then four times 5 000 at
    1e-4, the last gamma 0.08 times the root of the number of pixels and channels.
    """
    n_first = round(share * n_steps)
    n_matched = n_steps - n_first
    ends = [n_matched * k // len(GAMMA_FACTORS) for k in range(len(GAMMA_FACTORS) + 1)]
    found = [Stage("l1", rate, n_first)]
    for factor, (start, end) in zip(GAMMA_FACTORS, itertools.pairwise(ends), strict=True):
        found.append(Stage("matching", matching_rate, end - start, factor * gamma))
    return tuple(stage for stage in found if stage.n_steps)


def stage_at(stages: Sequence[Stage], step: int) -> Stage:
    """That of step 0, 1, ...; the last one beyond all."""
    ends = itertools.accumulate(stage.n_steps for stage in stages)
    return next((stage for stage, end in zip(stages, ends, strict=True) if step < end), stages[-1])


def rate_at(stages: Sequence[Stage], step: int, decay: float) -> float:
    """The stage's rate at step 0, 1, ..., ``falling`` to 0 over ``falling_share`` of all steps."""
    n_steps = sum(stage.n_steps for stage in stages)
    return stage_at(stages, step).rate * falling(step, n_steps, falling_share(stages, decay))


def falling_share(stages: Sequence[Stage], decay: float) -> float:
    """``decay``, or the share of the steps that the last loss has, where that is less: absolute errors, which
    only come before proximal matching, keep their rate."""
    last = sum(stage.n_steps for stage in stages if stage.loss == stages[-1].loss)
    return min(decay, last / sum(stage.n_steps for stage in stages))
