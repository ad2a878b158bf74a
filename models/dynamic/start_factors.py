"""Where the bilinear methods for series start: spatial and temporal factors found from the measurements."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from proxflow.models.dynamic.low_rank_start import low_rank_start
from proxflow.models.dynamic.polynomial_start import polynomial_start
from proxflow.models.dynamic.prosep import prosep_start
from proxflow.models.dynamic.start_values import StartFactors, check_rank, resized
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_projections import FrameProjections

StartKind = Literal["prosep", "low_rank", "polynomial"]
MOST_BY_PROSEP = 8  # functions that ProSep tries


def start_factors(
    operator: FrameOperator,
    y: Tensor,
    *,
    basis: Tensor,
    n_functions: int,
    kind: StartKind,
    seed: int,
) -> StartFactors:
    """Lambda (r, *domain) and Z (d, r) of f = Lambda (U Z)^T, from the views in the operator's mask.

    ``prosep`` needs a ``FrameProjections``; ``low_rank``, for an operator of norm at most 1, and
    ``polynomial`` take any.

    Args:
        y: (T, *range), in the scale of ``operator``.
        basis: U, (T, d).
        n_functions: r. Functions beyond those found are small and random, with Lambda = 0.
        seed: of the views ProSep holds out, and of random functions.

    Raises ValueError where the basis cannot hold so many functions, TypeError for ProSep without angles.
    """
    check_rank(basis, n_functions)
    return resized(_found(operator, y, basis, n_functions, kind, seed), basis, n_functions, seed)


def _found(
    operator: FrameOperator, y: Tensor, basis: Tensor, most: int, kind: StartKind, seed: int
) -> StartFactors:
    """At most ``most`` functions."""
    if kind == "polynomial":
        return polynomial_start(operator, y, basis, most)
    if kind == "low_rank":
        return low_rank_start(operator, y, basis, most)
    if not isinstance(operator, FrameProjections):
        raise TypeError(f"operator must be FrameProjections for ProSep, got {type(operator).__name__}")
    return prosep_start(operator, y, basis, most_functions=min(most, MOST_BY_PROSEP), seed=seed)
