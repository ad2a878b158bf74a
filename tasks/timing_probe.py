"""Short measurements on this machine from which the time of a run is estimated."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from proxflow.configs.methods import MethodConfig
from proxflow.operators.base import LinearOperator
from proxflow.tasks.errors import RequestError
from proxflow.tasks.methods import METHODS, method_function

BUDGET_SECONDS = 0.25  # for one figure; a single slow call may take longer
PROBE_ITERATIONS = 5
CONJUGATE_GRADIENTS = 7  # applications in an iteration of the constrained methods: five of them, and two more


def normal_seconds(operator: LinearOperator, dtype: torch.dtype, device: str) -> float:
    """Seconds of one ``operator.normal``."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(operator.domain_shape, generator=generator, dtype=dtype).to(device)
    return _median(lambda: operator.normal(x), device)


def applications(config: MethodConfig) -> int:
    """Applications of ``normal``, or of a forward with an adjoint, in one iteration."""
    return CONJUGATE_GRADIENTS if config.method in ("l1", "tv_magnitude") else 1


def iteration_seconds(config: MethodConfig, shape: tuple[int, ...], dtype: torch.dtype, device: str) -> float:
    """Seconds of an iteration apart from the forward model: the prior and the vector arithmetic.

    The method runs on the identity operator, whose cost is a copy. RequestError where the method refuses
    its numbers for this image size. 0.0 for a method without iterations.
    """
    if METHODS[config.method].direct:
        return 0.0
    numbers = config.model_dump(exclude={"method"})
    y = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype).to(device)
    y /= y.abs().max()
    iterative = "n_iter" in numbers
    if iterative:
        numbers |= {"n_iter": PROBE_ITERATIONS, "tol": 0.0}
    method, operator = method_function(config.method), _Identity(shape)
    try:
        method(operator, y, **(numbers | ({"n_iter": 1} if iterative else {})))  # warms up
        seconds = _timed(lambda: method(operator, y, **numbers), device)
    except ValueError as error:
        raise RequestError(f"{config.method}: {error}") from None
    return seconds / PROBE_ITERATIONS if iterative else 0.0


class _Identity(LinearOperator):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.domain_shape = self.range_shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()

    def adjoint(self, y: Tensor) -> Tensor:
        return y.clone()


def _median(work: Callable[[], object], device: str) -> float:
    """The median of as many calls as fit the budget, after one that warms up."""
    seconds, began = [_timed(work, device)], time.perf_counter()
    while time.perf_counter() - began + min(seconds) < BUDGET_SECONDS:
        seconds.append(_timed(work, device))
    later = sorted(seconds[1:]) or seconds
    return later[len(later) // 2]


def _timed(work: Callable[[], object], device: str) -> float:
    began = time.perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
