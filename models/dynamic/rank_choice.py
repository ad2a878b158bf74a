"""How many temporal functions the measurements support, by views that were held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

PATIENCE = 2  # candidates in turn without a lower error, after which no more are tried
TIE = 0.01  # relative: of errors as close as this the fewest functions are taken


@dataclass(frozen=True)
class RankChoice:
    """n_functions: chosen.  tried: numbers of functions.  errors: of each, ||A f - y|| / ||y|| on held-out
    views."""

    n_functions: int
    tried: list[int]
    errors: list[float]

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
