"""One measured line of the table of operators, and how its figures are taken."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.interleaved import time_interleaved

Contenders = dict[str, Callable[[], object]]

REPEATS = 25
SECONDS_EACH = 1.5  # the most a contender takes for one action, unless two calls take longer


@dataclass(frozen=True)
class Row:
    """What one implementation takes for one action on one input.

    Attributes:
        operator: e.g. "NonCartesianSense".
        size: what was computed, e.g. "8 coils, 320 x 320, 64 x 640 samples".
        action: "set-up", "forward", "adjoint", "normal", or a direct method's name.
        implementation: "proxflow ..." , or another library with its setting.
        seconds: the least of the repeats.
        error: relative l2 error against a double-precision truth; None where nothing is comparable.
        bytes: most memory held above what was held before, None where it was not measured.
        limit_seconds: what the machine cannot undercut for this computation, measured in turn with it.
        limit_text: what that limit is, e.g. "2 FFTs of 400 x 400 per coil".
        work: elementary operations that the cost should be proportional to, in any unit of the operator's;
            0 where sizes are not to be compared.
    """

    operator: str
    size: str
    action: str
    implementation: str
    seconds: float = 0.0
    error: float | None = None
    bytes: int | None = None
    limit_seconds: float | None = None
    limit_text: str = ""
    work: float = 0.0

    @property
    def is_ours(self) -> bool:
        return self.implementation.startswith("proxflow")


class Limit(NamedTuple):
    """A computation that is timed beside the contenders; the limit is ``share`` times what it takes."""

    text: str
    call: Callable[[], object]
    share: float = 1.0


def compared(
    row: Row,
    contenders: Contenders,
    *,
    truths: ArrayLike | dict[str, ArrayLike] | None = None,
    limits: dict[str, Limit] | None = None,
    memory: dict[str, int | None] | None = None,
    as_array: Callable[[Any], ArrayLike] = np.asarray,
) -> Iterator[Row]:
    """``row`` for each contender, with times taken in turns, errors, peak memory and the limits.

    ``truths``: the result in double precision, of all contenders or by name; ``limits``: by name;
    ``memory``: what each holds, where that is not what one call allocates; ``as_array``: of any result.
    """
    limits = limits or {}
    errors: dict[str, float | None] = {}
    for name, call in contenders.items():
        result = call()
        truth = truths.get(name) if isinstance(truths, dict) else truths
        errors[name] = None if truth is None else relative_error(as_array(result), truth)
        del result
    held = {name: peak_bytes(call) for name, call in contenders.items()} if memory is None else memory
    timed = contenders | {f"limit {limit.text}": limit.call for limit in limits.values()}
    timings = time_interleaved(timed, REPEATS, seconds=SECONDS_EACH)
    for name in contenders:
        found = replace(
            row,
            implementation=name,
            seconds=timings[name].best / 1e3,
            error=errors[name],
            bytes=held[name],
        )
        if name in limits:
            limit = limits[name]
            best = timings[f"limit {limit.text}"].best / 1e3
            found = replace(found, limit_seconds=limit.share * best, limit_text=limit.text)
        yield found


def set_up(row: Row, implementation: str, call: Callable[[], object]) -> Row:
    """``row`` for what is done once: time and peak memory of a single call."""
    taken: list[float] = []
    peak = peak_bytes(lambda: taken.append(seconds_of(call)))
    return replace(row, action="set-up", implementation=implementation, seconds=taken[0], bytes=peak)


def relative_error(result: ArrayLike, truth: ArrayLike) -> float:
    """||result - truth|| / ||truth||, in double precision."""
    expected = np.asarray(truth)
    return float(np.linalg.norm(np.asarray(result) - expected) / np.linalg.norm(expected))


def seconds_of(call: Callable[[], object]) -> float:
    """One call, for what is done once."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_bytes(call: Callable[[], object]) -> int | None:
    """Most resident memory above that before the call, sampled by Linux itself; None on other systems.

    Free memory that the process keeps for reuse is handed back first, else it would hide what the call
    takes; what the call allocated and kept at an earlier time (plans, tables) does not count.
    """
    clear, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not clear.exists():
        return None
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    clear.write_text("5")  # resets the peak, VmHWM
    before = _status_bytes(status, "VmRSS")
    call()
    return max(0, _status_bytes(status, "VmHWM") - before)


def _status_bytes(status: Path, field: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
