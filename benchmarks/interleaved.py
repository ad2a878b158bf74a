"""Timing of contenders in turns, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

WARM = 2  # unmeasured calls before each turn
BURST = 5  # calls in a row
SLOW = 0.1  # seconds; nothing that a call before it left behind matters to one that takes as long


class Timing(NamedTuple):
    """Milliseconds per call."""

    median: float
    best: float


def time_interleaved(
    contenders: dict[str, Callable[[], object]],
    repeats: int,
    *,
    seconds: float = math.inf,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Time ``repeats`` calls of each contender, in turns of ``BURST`` calls.

    Before each turn come ``WARM`` unmeasured calls, for caches and the allocator to settle: a contender is
    to be judged by what it does in a solver's loop, not by what the one before it left behind. A contender
    that has taken ``seconds`` in all leaves, after ten measured calls or two slow ones at least. ``clock``:
    ``time.process_time`` tells, of one thread, the time it computed, on a busy machine too.
    """
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    spent = dict.fromkeys(contenders, 0.0)
    for _ in range(-(-repeats // BURST)):
        for name, call in contenders.items():
            for turn in range(WARM + BURST):
                if spent[name] > seconds and _settled(samples[name]):
                    break
                start = clock()
                call()
                took = clock() - start
                spent[name] += took
                if turn >= WARM or took > SLOW:
                    samples[name].append(1e3 * took)
    return {name: Timing(sorted(taken)[len(taken) // 2], min(taken)) for name, taken in samples.items()}


def _settled(samples: list[float]) -> bool:
    """Whether the least is to be trusted; single calls of threads may stall on a busy machine."""
    return len(samples) >= 10 or (len(samples) >= 2 and min(samples) > 1e3 * SLOW)


def print_table(title: str, timings: dict[str, Timing], reference: str) -> None:
    """One row per contender, with its time as a multiple of the reference's."""
    print(f"\n{title}\n{'':34s}{'median ms':>10s}{'best ms':>10s}{'median':>9s}{'best':>8s}  x {reference}")
    base = timings[reference]
    for name, timing in timings.items():
        ratios = timing.median / base.median, timing.best / base.best
        print(f"{name:34s}{timing.median:10.2f}{timing.best:10.2f}{ratios[0]:9.2f}{ratios[1]:8.2f}")
