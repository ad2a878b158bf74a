"""The search finds the minimum of curves whose minimum is known, and stays inside its limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from proxflow.configs.tunable import Tunable
from proxflow.tasks.training.search import Candidate, best, coarse_grid, search

WEIGHT = Tunable(1e-4, 0.1, limits=(1e-6, 1), zero=True)
ITERATIONS = Tunable(3, 100, limits=(1, 1000), whole=True)
SHARE = Tunable(0.1, 0.9, limits=(0.01, 0.99), spacing="linear")


def evaluator(curve: Callable[[float], float], seen: list[float]) -> Callable[[Sequence[float], int], list]:
    def evaluate(values: Sequence[float], more: int) -> list[Candidate]:
        seen.extend(values)
        return [Candidate(value, (curve(value), curve(value) + 0.5)) for value in values]

    return evaluate


def found(number: Tunable, curve: Callable[[float], float]) -> tuple[float, list[float]]:
    seen: list[float] = []
    tried = search(number, evaluator(curve, seen))
    assert len(seen) == len(set(seen)) == len(tried)  # nothing is tried twice
    assert [one.value for one in tried] == sorted(seen)
    return best(tried).value, seen


@pytest.mark.parametrize("target", [0.00021, 0.0007, 0.0033, 0.02, 0.09])
def test_weight_within_the_last_step(target: float) -> None:
    value, _ = found(WEIGHT, lambda value: abs(math.log((value + 1e-12) / target)))
    assert max(value / target, target / value) < 10 ** (1 / 8) * 1.05  # two digits are kept


@pytest.mark.parametrize("target", [4e-6, 2e-5, 0.4])
def test_the_grid_grows_towards_a_minimum_outside(target: float) -> None:
    value, seen = found(WEIGHT, lambda value: abs(math.log((value + 1e-12) / target)))
    assert max(value / target, target / value) < 1.4
    assert min(value for value in seen if value) >= 1e-6
    assert max(seen) <= 1


def test_limits_end_the_growth() -> None:
    value, seen = found(WEIGHT, lambda value: -value)
    assert value == 1.0 == max(seen)
    value, seen = found(ITERATIONS, lambda value: value)
    assert value == 1.0 == min(seen)


def test_zero_is_taken_where_it_is_best() -> None:
    value, seen = found(WEIGHT, lambda value: value)
    assert value == 0
    assert sorted(seen) == coarse_grid(WEIGHT)  # nothing lies between 0 and the smallest


@pytest.mark.parametrize("target", [1, 5, 17, 240])
def test_whole_numbers_stay_whole(target: int) -> None:
    value, seen = found(ITERATIONS, lambda value: abs(math.log(value / target)))
    assert all(one == int(one) for one in seen)
    assert abs(math.log(value / target)) < math.log(1.4)


@pytest.mark.parametrize("target", [0.04, 0.33, 0.94])
def test_linear_spacing(target: float) -> None:
    value, seen = found(SHARE, lambda value: abs(value - target))
    assert abs(value - target) <= 0.026
    assert min(seen) >= 0.01
    assert max(seen) <= 0.99


def test_of_equal_errors_the_smallest_value() -> None:
    assert found(ITERATIONS, lambda value: 1.0)[0] == 1.0
