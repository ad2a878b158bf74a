"""One measured line of the table of operators, and how its figures are taken."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.interleaved import time_interleaved

Contenders = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Row:
    """What one implementation takes for one action on one input.

    Attributes:
        operator: e.g. "NonCartesianSense".
        size: what was computed, e.g. "8 coils, 320 x 320, 64 x 640 samples".
        action: "set-up", "forward", "adjoint" or "normal".
        implementation: "proxflow", or another library with its setting.
        seconds: the least of the repeats.
        error: relative l2 error against a double-precision truth; None where nothing is computed.
        bytes: most memory held above what was held before, None where it was not measured.
        limit_seconds: what the machine cannot undercut for this computation, measured in turn with it.
        limit_text: what that limit is, e.g. "2 FFTs of 400 x 400 per coil".
    """

    operator: str
    size: str
    action: str
    implementation: str
    seconds: float
    error: float | None = None
    bytes: int | None = None
    limit_seconds: float | None = None
    limit_text: str = ""


def measure(contenders: Contenders, repeats: int) -> dict[str, float]:
    """Least seconds per call of each contender, taken in turns (``time_interleaved``)."""
    return {name: timing.best / 1e3 for name, timing in time_interleaved(contenders, repeats).items()}


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
