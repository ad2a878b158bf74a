import math
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration, iterate, relative_change


class Point(NamedTuple):
    x: Tensor
    change: Tensor


def start() -> Point:
    return Point(torch.tensor([8.0, 0.0]), torch.tensor(0.0))


def towards(factor: float) -> Callable[[Point], Point]:
    """x <- factor x, on the objective ||x||^2."""

    def step(state: Point) -> Point:
        x = factor * state.x
        return Point(x, (x - state.x).norm())

    return step


def run(step: Callable[[Point], Point], **options: Any) -> tuple[Point, list[Iteration]]:
    defaults: dict[str, Any] = {
        "n_iter": 10,
        "tol": 0.0,
        "measure": lambda s: (
            s.x.norm().item() ** 2,
            relative_change(s.change.item(), s.x.norm().item()),
            0.5,
        ),
        "image": lambda s: s.x,
    }
    return iterate(start(), step, **(defaults | options))


def test_iterate_reports_every_iteration_to_the_monitor() -> None:
    seen: list[tuple[Iteration, tuple[Tensor, ...]]] = []
    state, trace = run(towards(0.5), monitor=lambda iteration, state: seen.append((iteration, state)))
    assert [report for report, _ in seen] == trace
    assert [report.index for report in trace] == list(range(1, 11))
    assert trace[0] == Iteration(1, 10, 16.0, 1.0, 0.5)
    assert seen[-1][1] is state
    assert seen[2][1][0][0] == 1.0  # later steps did not write to a state already seen


def test_states_are_contiguous_as_those_of_a_checkpoint_are() -> None:
    """Sums over other strides are rounded otherwise: a resumed run would not have the same bits."""
    seen: list[bool] = []

    def step(state: Point) -> Point:
        seen.append(state.x.is_contiguous())
        return Point((0.5 * state.x).mT, torch.tensor(0.5))

    state = Point(torch.ones(3, 4).mT, torch.tensor(0.0))
    _, trace = iterate(state, step, n_iter=4, tol=0.0, measure=lambda s: (1.0, 0.5, 0.5), image=lambda s: s.x)
    assert seen == [True] * 4 == [True] * len(trace)


def test_iterate_stops_once_done_and_stays_stopped_on_resumption() -> None:
    def done(state: Point) -> bool:
        return state.x[0].item() <= 1

    state, trace = run(towards(0.5), done=done)
    assert len(trace) == 3 and state.x[0] == 1
    again, longer = run(towards(0.5), done=done, resume=Checkpoint(3, tuple(state), trace))
    assert longer == trace and torch.equal(again.x, state.x)
    assert len(run(towards(0.5), done=lambda state: True)[1]) == 1  # there is a report of every run


def test_iterate_stops_below_the_tolerance() -> None:
    _, trace = run(towards(0.99), tol=0.02)
    assert len(trace) == 1
    _, trace = run(towards(0.5), tol=0.02)
    assert len(trace) == 10


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_iterate_names_the_iteration_of_a_nan_and_keeps_the_last_good_image(poison: float) -> None:
    def step(state: Point) -> Point:
        return towards(poison if state.x[0] == 2 else 0.5)(state)

    seen: list[Iteration] = []
    with pytest.raises(DivergenceError, match="iteration 3") as caught:
        run(step, monitor=lambda iteration, state: seen.append(iteration))
    assert caught.value.iteration == 3
    assert torch.equal(caught.value.last_good, torch.tensor([2.0, 0.0]))
    assert len(seen) == 2  # nothing diverged reaches a checkpoint
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.iteration) == (str(caught.value), 3)


def test_iterate_stops_a_growing_objective() -> None:
    with pytest.raises(DivergenceError, match="iteration 3: the objective must stay below 640"):
        run(towards(2.0))


def test_iterate_lets_an_early_overshoot_pass() -> None:
    def step(state: Point) -> Point:
        return towards(5.0 if state.change == 0 else 0.1)(state)

    assert len(run(step)[1]) == 10


def test_iterate_without_an_objective_watches_the_image_alone() -> None:
    _, trace = run(towards(2.0), measure=lambda state: (math.nan, 0.5, 0.5))
    assert len(trace) == 10


def test_iterate_resumes_a_finished_run_without_another_step() -> None:
    state, trace = run(towards(0.99), tol=0.02)
    resumed, same = run(towards(0.99), tol=0.02, resume=Checkpoint(1, state, trace))
    assert torch.equal(resumed.x, state.x) and same == trace


def test_iterate_refuses_a_checkpoint_of_another_problem() -> None:
    other = Checkpoint(1, (torch.zeros(3), torch.tensor(0.0)), [])
    with pytest.raises(ValueError, match="resume must hold tensors"):
        run(towards(0.5), resume=other)


@pytest.mark.parametrize(("options", "name"), [({"n_iter": 0}, "n_iter"), ({"tol": math.nan}, "tol")])
def test_iterate_refuses_numbers_out_of_range(options: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least"):
        run(towards(0.5), **options)
