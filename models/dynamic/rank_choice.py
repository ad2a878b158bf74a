"""How many temporal functions the measurements support, and of how many knots, by views held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from proxflow.models.dynamic.temporal_bases import BasisKind

PATIENCE = 2  # candidates in turn without a lower error, after which no more are tried
TIE = 0.01  # relative: of errors as close as this the fewest functions are taken
KNOTS = 9, 16  # tried where their number is left open: slow changes, and such as two breaths


@dataclass(frozen=True)
class RankChoice:
    """n_functions: chosen.  tried: numbers of functions.  errors: of each, ||A f - y|| / ||y|| on held-out
    views."""

    n_functions: int
    tried: list[int]
    errors: list[float]

    @property
    def least(self) -> float:
        """The smallest error."""
        return min(self.errors)

    @property
    def curves(self) -> dict[str, list[list[float]]]:
        """For a report: the numbers tried and their errors."""
        return {"functions_tried": [[float(rank) for rank in self.tried], self.errors]}


def choose_rank(candidates: Iterable[int], error: Callable[[int], float]) -> RankChoice:
    """The fewest functions whose error is within 1 % of the least.

    Args:
        candidates: numbers of functions, rising; none is tried after two in turn that brought nothing.
        error: of a number of functions, on views that took no part in its fit.
    """
    tried, errors = list[int](), list[float]()
    for rank in candidates:
        tried.append(rank)
        errors.append(error(rank))
        if len(errors) - errors.index(min(errors)) > PATIENCE:
            break
    enough = (1 + TIE) * min(errors)
    chosen = next(rank for rank, found in zip(tried, errors, strict=True) if found <= enough)
    return RankChoice(chosen, tried, errors)


def knots_to_try(basis: BasisKind, n_frames: int, n_knots: int | None, n_functions: int | None) -> list[int]:
    """``n_knots`` alone if it is given, else 9 and 16, as far as there are as many frames, and a number for
    each of ``n_functions``. A free basis has no knots to choose."""
    if n_knots is not None:
        return [n_knots]
    least = n_functions or 1
    fitting = [knots for knots in KNOTS if least <= knots <= n_frames and basis != "free"]
    return fitting or [min(n_frames, max(least, KNOTS[0]))]
