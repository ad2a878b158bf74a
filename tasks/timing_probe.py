"""Short measurements on this machine from which the time of a run is estimated."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from proxflow.configs.methods import MethodConfig
from proxflow.configs.methods_diffusion import Dds
from proxflow.configs.methods_magnitude import PnpMagnitude
from proxflow.configs.methods_samplers import Dps, ScoreMri
from proxflow.operators.base import LinearOperator
from proxflow.operators.frame_operator import FrameOperator
from proxflow.tasks.errors import RequestError
from proxflow.tasks.method_arguments import method_arguments
from proxflow.tasks.methods import METHODS, method_function

BUDGET_SECONDS = 0.25  # for one figure; a single slow call may take longer
PROBE_ITERATIONS = 5
PROBE_FRAMES = 8  # of a series
CONJUGATE_GRADIENTS = 7  # applications in an iteration of the constrained methods: five of them, and two more
CONSTRAINED = ("l1", "tv_magnitude", "pnp_magnitude")
IN_UNIT = ("red", "pnp_admm", "dds", "score_mri", "dps")  # find the unit of images first
UNIT_APPLICATIONS = 12  # of the image that tells it
NOISE_APPLICATIONS = 260  # of the estimate of the noise where it is not given


def normal_seconds(operator: LinearOperator, dtype: torch.dtype, device: str) -> float:
    """Seconds of one ``operator.normal``."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(operator.domain_shape, generator=generator, dtype=dtype).to(device)
    return _median(lambda: operator.normal(x), device)


def applications(config: MethodConfig) -> int:
    """Applications of ``normal``, or of a forward with an adjoint, in one iteration."""
    if hasattr(config, "n_cg"):  # the residual from which conjugate gradients start, and their steps
        return int(getattr(config, "samples", 1) * (1 + config.n_cg))
    if isinstance(config, ScoreMri):  # towards the data after predictor and correctors, and for the report
        return 2 + config.n_correct
    return CONJUGATE_GRADIENTS if config.method in CONSTRAINED else 1


def applications_before(config: MethodConfig) -> int:
    """Applications before the first iteration."""
    if config.method in IN_UNIT:
        return UNIT_APPLICATIONS
    asked = isinstance(config, PnpMagnitude) and config.form == "constrained" and config.epsilon is None
    return NOISE_APPLICATIONS if asked else 0


def iteration_seconds(
    config: MethodConfig, operator: LinearOperator, dtype: torch.dtype, device: str
) -> float:
    """Seconds of an iteration apart from the forward model: the prior and the vector arithmetic.

    The method runs on the identity operator, whose cost is a copy; of a series on a few of its frames.
    RequestError where the method refuses its numbers for this image size. 0.0 for one without iterations.
    Methods that are not made of such iterations: ``series_timing.py``.
    """
    if METHODS[config.method].direct or not hasattr(config, "n_iter"):
        return 0.0
    numbers = method_arguments(config, device=device)
    if isinstance(config, PnpMagnitude):  # the noise and the least squares are the operator's affair
        numbers |= {"epsilon": 0.5, "update": "cg"}
    if isinstance(config, Dds):  # as is the noise
        numbers |= {"epsilon": 0.5}
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
    fewest = 2 if isinstance(config, Dds | ScoreMri | Dps) else 1
    method = method_function(config.method)
    try:
        method(identity, y, **(numbers | {"n_iter": fewest}))  # warms up
        seconds = _timed(lambda: method(identity, y, **numbers), device)
    except ValueError as error:
        raise RequestError(f"{config.method}: {error}") from None
    return seconds / (steps * part)


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
