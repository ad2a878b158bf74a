"""The value of one number with the smallest held-out error: a coarse grid, then halvings of its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from proxflow.configs.tunable import Tunable

STEP = math.sqrt(10)  # of a logarithmic grid: two values a decade
LINEAR_STEPS = 8
ROUNDS = 2  # halvings of the step: the last is a factor of 1.33, or a 32nd of a linear grid


@dataclass(frozen=True)
class Candidate:
    """A value that was tried, and its error for every scan and seed, always in the same order."""

    value: float
    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """Mean over scans and seeds."""
        return mean(self.errors)


# (values to try, about how many more will follow) -> a candidate for each
Evaluate = Callable[[Sequence[float], int], list[Candidate]]


def search(number: Tunable, evaluate: Evaluate) -> list[Candidate]:
    """All candidates that were tried, by value; ``best`` of them is the answer.

    While the smallest error lies at an end of the grid and falls towards it, the grid grows by a step, to
    the number's limits at most. Then the values half-way between the best and its neighbours are tried,
    twice.
    """
    grid = coarse_grid(number)
    tried = evaluate(grid, 2 * ROUNDS + 1)
    while (beyond := _beyond(number, tried)) is not None:
        tried += evaluate([beyond], 2 * ROUNDS + 1)
    for left in range(ROUNDS - 1, -1, -1):
        between = _between(number, tried)
        if between:
            tried += evaluate(between, 2 * left + 1)
    return sorted(tried, key=lambda candidate: candidate.value)


def best(tried: Sequence[Candidate]) -> Candidate:
    """The smallest error; of equal ones the smallest value."""
    return min(tried, key=lambda candidate: (candidate.error, candidate.value))


def coarse_grid(number: Tunable) -> list[float]:
    """From ``low`` to ``high``, after 0 where it is tried."""
    logarithmic = number.spacing == "log"
    steps = round(math.log(number.high / number.low, STEP)) if logarithmic else LINEAR_STEPS
    values = [float(number.low)]
    for _ in range(steps):
        values.append(_outwards(number, values[-1], 1))
    return [0.0, *values] if number.zero else values


def _beyond(number: Tunable, tried: Sequence[Candidate]) -> float | None:
    """The next value outwards from a best one at the grid's end; None inside, at 0 and at the limits."""
    positive = sorted(candidate.value for candidate in tried if candidate.value > 0)
    at, (floor, ceiling) = best(tried).value, number.limits
    if at == positive[0] and at > floor:
        return _outwards(number, at, -1)
    if at == positive[-1] and at < ceiling:
        return _outwards(number, at, 1)
    return None


def _outwards(number: Tunable, value: float, direction: int) -> float:
    """The grid's next value up or down, within the limits."""
    if number.spacing == "log":
        exponent = round(math.log(value / number.low, STEP)) + direction
        moved = number.low * STEP**exponent
    else:
        moved = value + direction * (number.high - number.low) / LINEAR_STEPS
    return _rounded(number, min(max(moved, number.limits[0]), number.limits[1]))


def _between(number: Tunable, tried: Sequence[Candidate]) -> list[float]:
    """Values half-way from the best to its neighbours that were not tried yet; none beside 0."""
    values = sorted(candidate.value for candidate in tried if candidate.value > 0)
    at = best(tried).value
    if at == 0:
        return []
    index = values.index(at)
    neighbours = values[max(index - 1, 0) : index] + values[index + 1 : index + 2]
    halfway = [_rounded(number, _middle(number, at, neighbour)) for neighbour in neighbours]
    return [value for value in halfway if value not in values]


def _middle(number: Tunable, one: float, other: float) -> float:
    return math.sqrt(one * other) if number.spacing == "log" else (one + other) / 2


def _rounded(number: Tunable, value: float) -> float:
    """To two digits, or to a whole number: what is tried is what a recipe can say."""
    return float(round(value)) if number.whole and value < 100 else float(f"{value:.2g}")
