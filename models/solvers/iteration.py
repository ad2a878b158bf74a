"""The one loop every iterative method runs in: report, stop, refuse divergence, resume."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from torch import Tensor

DIVERGENCE_FACTOR = 10.0  # a convex objective never rises above its start by more than rounding
DIVERGENCE_GRACE = 3  # iterations before that test: momentum and a poor start may overshoot once


Figures = tuple[tuple[str, float], ...]


class Iteration(NamedTuple):
    """What one iteration reports; with batch axes, of all items together.

    ``figures`` are a method's own, by name and always the same: the residual on views it was not given, say.
    """

    index: int  # type: ignore[assignment]  # 1-based; it hides tuple.index
    n_iter: int  # the most that will run
    objective: float  # of the problem the method states; nan where it has none
    relative_change: float  # ||x_k - x_{k-1}|| / ||x_k||
    data_residual: float  # ||A x - y|| / ||y|| on the sampled data
    figures: Figures = ()


class Checkpoint(NamedTuple):
    """All it takes to go on after iteration ``index``: the state a monitor saw, and the reports so far."""

    index: int  # type: ignore[assignment]  # it hides tuple.index
    state: tuple[Tensor, ...]
    trace: list[Iteration]


class Monitor(Protocol):
    """Called after each iteration. The state's tensors are never written to again: it may keep them."""

    def __call__(self, iteration: Iteration, state: tuple[Tensor, ...]) -> None: ...


class DivergenceError(ArithmeticError):
    """A method met NaN or infinity, or an objective far above its start, at ``iteration``.

    ``last_good`` is the image one iteration earlier.
    """

    def __init__(self, reason: str, iteration: int, last_good: Tensor) -> None:
        super().__init__(f"diverged at iteration {iteration}: {reason}")
        self.reason = reason
        self.iteration = iteration
        self.last_good = last_good

    def __reduce__(self) -> tuple[type[DivergenceError], tuple[str, int, Tensor]]:
        return type(self), (self.reason, self.iteration, self.last_good)  # to cross process borders whole


class ResumeError(ValueError):
    """A checkpoint whose state is not one of the solver that is to go on from it."""


State = TypeVar("State", bound=tuple[Tensor, ...])
# objective, relative change, data residual, and a method's own figures
Measure = tuple[float, float, float] | tuple[float, float, float, Figures]


def iterate(
    state: State,
    step: Callable[[State], State],
    *,
    n_iter: int,
    tol: float,
    measure: Callable[[State], Measure],
    image: Callable[[State], Tensor],
    done: Callable[[State], bool] | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> tuple[State, list[Iteration]]:
    """state <- step(state) until ``n_iter`` or relative change < ``tol``; the last state and all reports.

    Args:
        state: where an undisturbed run starts, a NamedTuple of tensors.
        step: pure: it returns new tensors and leaves those it is given as they are.
        measure: objective, relative change and data residual of a state, and figures of the method's own;
            also asked of the start.
        image: the image in a state, for ``DivergenceError.last_good``.
        done: also stop after an iteration where this holds of the state, by what the state alone tells.
        resume: go on from here instead of from ``state``. Everything a step reads lies in the state,
            so the result equals that of an undisturbed run bit for bit on the CPU.

    Raises DivergenceError on NaN or infinity, and from iteration 3 on where the objective exceeds 10 times
    that of ``state``; ValueError if ``n_iter`` < 1 or ``tol`` < 0, ResumeError if ``resume`` does not fit
    ``state``.
    """
    if n_iter < 1:
        raise ValueError(f"n_iter must be at least 1, got {n_iter}")
    if not tol >= 0:
        raise ValueError(f"tol must be at least 0, got {tol}")
    state = _in_order(state)
    start_objective = measure(state)[0]
    index, trace = 0, list[Iteration]()
    if resume is not None:
        state, index, trace = _restored(state, resume.state), resume.index, list(resume.trace)
    while index < n_iter and not (
        trace and (trace[-1].relative_change < tol or (done is not None and done(state)))
    ):
        index += 1
        previous, state = state, _in_order(step(state))
        report = Iteration(index, n_iter, *measure(state))
        reason = _divergence(report, start_objective)
        if reason:
            raise DivergenceError(reason, index, image(previous))
        trace.append(report)
        if monitor is not None:
            monitor(report, state)
    return state, trace


def _in_order(state: State) -> State:
    """``state`` with its tensors contiguous, as a checkpoint brings them back: sums over other strides are
    rounded otherwise."""
    return type(state)(*(tensor.contiguous() for tensor in state))


def relative_change(change: float, norm: float) -> float:
    """change / norm, where 0 / 0 is 0 and an image that became zero has changed by 1."""
    if norm == 0:
        return 0.0 if change == 0 else 1.0
    return change / norm


def _divergence(report: Iteration, start_objective: float) -> str:
    """Why ``report`` is one of a diverged run, or the empty string."""
    if not (math.isfinite(report.relative_change) and math.isfinite(report.data_residual)):
        return "the image must stay finite, got NaN or infinity"
    if math.isnan(start_objective):  # the method states no objective
        return ""
    if not math.isfinite(report.objective):
        return f"the objective must stay finite, got {report.objective}"
    ceiling = DIVERGENCE_FACTOR * start_objective
    if report.index >= DIVERGENCE_GRACE and report.objective > ceiling > 0:
        return f"the objective must stay below {ceiling:.4g}, got {report.objective:.4g}"
    return ""


def _restored(state: State, saved: tuple[Tensor, ...]) -> State:
    """``saved`` as a state of the kind, and on the device, of ``state``."""
    wanted = [(tuple(part.shape), part.dtype) for part in state]
    found = [(tuple(part.shape), part.dtype) for part in saved]
    if wanted != found:
        raise ResumeError(f"resume must hold tensors {wanted}, got {found}")
    rebuild: Callable[..., State] = type(state)
    return rebuild(*(part.to(like.device) for part, like in zip(saved, state, strict=True)))
