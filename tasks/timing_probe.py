"""Short measurements on this machine from which the time of a run is estimated."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from proxflow.configs.calibrate import Espirit, LowRes
from proxflow.configs.methods import MethodConfig
from proxflow.models.calibration.acs import central_block
from proxflow.operators.base import LinearOperator
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.tasks.errors import RequestError
from proxflow.tasks.methods import method_function
from proxflow.tasks.stages.calibrate import estimate_maps as coil_maps

BUDGET_SECONDS = 0.25  # for one figure; a single slow call may take longer
PROBE_ITERATIONS = 5
SMALL = (48, 96)  # image sizes on which the calibration is timed


def normal_seconds(mask: Tensor, n_coils: int, dtype: torch.dtype, device: str) -> float:
    """Seconds of one ``CartesianSense.normal`` with this mask, bool (ky, kx), and random coil maps."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(n_coils, *mask.shape, generator=generator, dtype=dtype) / n_coils**0.5
    operator = CartesianSense(mask, maps).to(device)
    x = maps[0].to(device)
    return _median(lambda: operator.normal(x), device)


def iteration_seconds(config: MethodConfig, shape: tuple[int, int], dtype: torch.dtype, device: str) -> float:
    """Seconds of an iteration apart from the forward model: the prior and the vector arithmetic.

    The method runs on the identity operator, whose cost is a copy. RequestError where the method refuses
    its numbers for this image size. 0.0 for a method without iterations.
    """
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


def calibration_seconds(
    config: Espirit | LowRes, samples: Tensor, acs: tuple[int, int], device: str
) -> float:
    """Seconds of the coil maps of ``samples`` (coil, ky, kx), from two smaller images of the same object.

    The centre of k-space is a small image of the same coils; time grows linearly with its pixels from a
    start-up that the kernels cost. RequestError where the calibration refuses the scan.
    """
    ny, nx = samples.shape[1:]
    points = []
    for width in SMALL:
        size = [min(n, max(width, a)) for n, a in zip((ny, nx), acs, strict=True)]
        block = central_block(samples, (size[0], size[1])).to(device)
        seconds = _timed(lambda block=block: coil_maps(config, block, acs), device)  # type: ignore[misc]
        points.append((size[0] * size[1], seconds))
    (few, short), (many, long) = points
    per_pixel = max(0.0, long - short) / (many - few) if many > few else 0.0
    return long + per_pixel * (ny * nx - many)


class _Identity(LinearOperator):
    def __init__(self, shape: tuple[int, int]) -> None:
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
