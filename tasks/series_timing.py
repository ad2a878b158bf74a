"""What iterations of the methods for series cost on this machine, from a few of their steps."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from proxflow.configs.methods_psm import Psm, PsmTv, RedPsm
from proxflow.configs.methods_series import TdDip
from proxflow.models.dynamic.rank_choice import knots_to_try
from proxflow.models.dynamic.red_psm_setup import MOST_FUNCTIONS, RANK_STEPS
from proxflow.models.methods.red_psm import red_psm
from proxflow.models.methods.td_dip import td_dip
from proxflow.operators.frame_operator import FrameOperator
from proxflow.tasks.denoisers import open_denoiser
from proxflow.tasks.errors import RequestError

Separable = RedPsm | Psm | PsmTv
PROBE_FRAMES = 4  # given to the denoiser
PROBE_STEPS = 4, 12  # of a block of TD-DIP


def course_seconds(config: Separable | TdDip, operator: FrameOperator, y: Tensor, device: str) -> float:
    """Seconds that the method takes at most: views held out may end it before ``n_iter``.

    Args:
        operator, y: in the scale of ``solve``.  device: of the denoiser.

    RequestError where the method refuses its numbers for these measurements.
    """
    if isinstance(config, TdDip):
        return _td_dip(config, operator, y, device)
    return _separable(config, operator, y, device)


def _separable(config: Separable, operator: FrameOperator, y: Tensor, device: str) -> float:
    """By two iterations on these measurements with a denoiser that gives back what it gets, and the denoiser
    itself on a few of the frames it got. Either run, without and with the views held out, counts fully."""
    numbers = config.model_dump(exclude={"method", "sigma", "denoiser"})
    knots = knots_to_try(config.basis, operator.n_frames, config.n_knots, config.n_functions)
    most = config.n_functions or min(MOST_FUNCTIONS, max(knots))
    numbers |= {"n_functions": most, "n_knots": max(knots)}
    numbers |= {"lam": numbers.get("lam", 0.0), "n_iter": 2, "tol": 0.0, "refit": False}
    seen, clock = _Seen(), _Clock(device)
    began = clock.now()
    try:
        red_psm(operator, y, denoiser=seen, monitor=lambda *_: clock.tick(seen.count), **numbers)
    except ValueError as error:
        raise RequestError(f"{config.method}: {error}") from None
    (first, at_first), (second, at_second) = clock.ticks
    once, images = second - first, at_second - at_first
    each = 0.0 if seen.kept is None else _seconds_an_image(config, seen.kept, device)
    runs = 2 if config.refit and config.held_out_fraction else 1
    start = max(first - began - once, 0.0) + (at_first - images) * each
    tries = len(knots) * (1 if config.n_functions else most)
    trials = tries * RANK_STEPS * once if tries > 1 else 0.0
    return trials + runs * (start + config.n_iter * (once + images * each))


def _td_dip(config: TdDip, operator: FrameOperator, y: Tensor, device: str) -> float:
    """By two short blocks on these measurements, which tell a step from what ends a block."""
    numbers = config.model_dump(exclude={"method"}) | {"n_iter": 1}

    def block(steps: int) -> float:
        clock = _Clock(device)
        began = clock.now()
        td_dip(operator, y, **(numbers | {"block_steps": steps}), monitor=lambda *_: clock.tick(0))
        return clock.ticks[0][0] - began

    try:
        _, short, long = (block(steps) for steps in (1, *PROBE_STEPS))  # the first warms up
    except ValueError as error:
        raise RequestError(f"{config.method}: {error}") from None
    step = max(long - short, 0.0) / (PROBE_STEPS[1] - PROBE_STEPS[0])
    rest = max(short - PROBE_STEPS[0] * step, 0.0)
    return config.n_iter * (config.block_steps * step + rest)


def _seconds_an_image(config: Separable, images: Tensor, device: str) -> float:
    name = f"tv:{config.sigma:.17g}" if isinstance(config, PsmTv) else str(getattr(config, "denoiser", ""))
    denoise, images = open_denoiser(name, device=device), images.to(device)
    denoise(images[:1])  # warms up
    clock = _Clock(device)
    began = clock.now()
    denoise(images)
    return (clock.now() - began) / len(images)


class _Clock:
    """Notes when each iteration ended, and a count then."""

    def __init__(self, device: str) -> None:
        self._device, self.ticks = device, list[tuple[float, int]]()

    def tick(self, count: int) -> None:
        self.ticks.append((self.now(), count))

    def now(self) -> float:
        if self._device != "cpu":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


class _Seen:
    """A denoiser that changes nothing, counts the images it was given and keeps a few of them."""

    def __init__(self) -> None:
        self.count = 0
        self.kept: Tensor | None = None

    def __call__(self, images: Tensor) -> Tensor:
        self.count += len(images)
        if self.kept is None:
            self.kept = images[:: -(-len(images) // PROBE_FRAMES)].clone()
        return images
