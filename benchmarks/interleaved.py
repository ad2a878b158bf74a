"""Timing of contenders in turns, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

BURST = 5  # calls in a row


class Timing(NamedTuple):
    """Milliseconds per call."""

    median: float
    best: float


def time_interleaved(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, Timing]:
    """Time ``repeats`` calls of each contender, in turns of ``BURST`` calls.

    Before each turn come two unmeasured calls, for caches and the allocator to settle: a contender is
    to be judged by what it does in a solver's loop, not by what the one before it left behind.
    """
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(-(-repeats // BURST)):
        for name, call in contenders.items():
            call()
            call()
            for _ in range(BURST):
                start = time.perf_counter()
                call()
                samples[name].append(1e3 * (time.perf_counter() - start))
    return {name: Timing(sorted(taken)[len(taken) // 2], min(taken)) for name, taken in samples.items()}


def print_table(title: str, timings: dict[str, Timing], reference: str) -> None:
    """One row per contender, with its time as a multiple of the reference's."""
    print(f"\n{title}\n{'':34s}{'median ms':>10s}{'best ms':>10s}{'median':>9s}{'best':>8s}  x {reference}")
    base = timings[reference]
    for name, timing in timings.items():
        ratios = timing.median / base.median, timing.best / base.best
        print(f"{name:34s}{timing.median:10.2f}{timing.best:10.2f}{ratios[0]:9.2f}{ratios[1]:8.2f}")
