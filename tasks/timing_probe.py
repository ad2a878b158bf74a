"""Short measurements on this machine from which the time of a run is estimated."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from proxflow.configs.methods import MethodConfig
from proxflow.operators.base import LinearOperator
from proxflow.operators.frame_operator import FrameOperator
from proxflow.tasks.errors import RequestError
from proxflow.tasks.method_arguments import method_arguments
from proxflow.tasks.methods import METHODS, method_function

BUDGET_SECONDS = 0.25  # for one figure; a single slow call may take longer
PROBE_ITERATIONS = 5
SLOW_SECONDS = 1.0  # of warming up; a network that takes longer is timed by that
PROBE_FRAMES = 8  # of a series


def normal_seconds(operator: LinearOperator, dtype: torch.dtype, device: str) -> float:
    """Seconds of one ``operator.normal``."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(operator.domain_shape, generator=generator, dtype=dtype).to(device)
    return _median(lambda: operator.normal(x), device)


def iteration_seconds(
    config: MethodConfig,
    operator: LinearOperator,
    dtype: torch.dtype,
    device: str,
    memory_bytes: int | None = None,
) -> float:
    """Seconds of an iteration apart from the forward model: the prior and the vector arithmetic.

    The method runs on the identity operator, whose cost is a copy; of a series on a few of its frames; of
    samples that are drawn side by side one is, and the others take as long. ``memory_bytes``: as in
    ``Machine``, or an estimate would take more memory than the run.
    RequestError where the method refuses its numbers for this image size. 0.0 for one without iterations.
    Methods that are not made of such iterations: ``series_timing.py``.
    """
    if METHODS[config.method].direct or not hasattr(config, "n_iter"):
        return 0.0
    numbers = method_arguments(config, device=device, memory_bytes=memory_bytes) | dict(config.cost.apart)
    samples = getattr(config, "samples", 1)
    if samples > 1:
        numbers["samples"] = 1
    identity: LinearOperator
    identity, steps, part = _Identity(operator.domain_shape), PROBE_ITERATIONS, 1.0
    if isinstance(operator, FrameOperator):
        n_frames = min(operator.n_frames, PROBE_FRAMES)
        identity = _IdentityFrames((n_frames, *operator.frame_domain)).to(device)
        steps, part = 1, n_frames / operator.n_frames
    shape = identity.domain_shape
    y = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype).to(device)
    y /= y.abs().max()
    numbers |= {"n_iter": steps, "tol": 0.0} if hasattr(config, "tol") else {"n_iter": steps}
    few = numbers | {"n_iter": config.cost.fewest}
    method = method_function(config.method)
    try:
        seconds = _timed(lambda: method(identity, y, **few), device)  # warms up
        if METHODS[config.method].opens and seconds > SLOW_SECONDS:
            steps = config.cost.fewest
        else:
            seconds = _timed(lambda: method(identity, y, **numbers), device)
    except ValueError as error:
        raise RequestError(f"{config.method}: {error}") from None
    return samples * seconds / (steps * part)


def pass_seconds(
    config: MethodConfig,
    operator: LinearOperator,
    dtype: torch.dtype,
    device: str,
    memory_bytes: int | None = None,
) -> float:
    """Seconds of a network's one pass over the image, with its loading into memory that the first pass is.

    ``memory_bytes``: as of ``iteration_seconds``.
    RequestError where its weights are no such network's, or the image does not suit it.
    """
    numbers = method_arguments(config, device=device, memory_bytes=memory_bytes) | dict(config.cost.apart)
    y = torch.ones(operator.domain_shape, dtype=dtype, device=device)
    method = method_function(config.method)
    try:
        return _timed(lambda: method(_Identity(operator.domain_shape), y, **numbers), device)
    except ValueError as error:
        raise RequestError(f"{config.method}: {error}") from None


class _Identity(LinearOperator):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.domain_shape = self.range_shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()

    def adjoint(self, y: Tensor) -> Tensor:
        return y.clone()


class _IdentityFrames(FrameOperator):
    """Frames measured as they are; their rows are the views."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(torch.ones(shape[:2], dtype=torch.bool), shape[1:], shape[1:])

    def spread(self, mask: Tensor) -> Tensor:
        return mask.reshape(*mask.shape, *[1] * (len(self.frame_range) - 1))

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return x.clone()

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
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
