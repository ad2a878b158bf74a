"""Memory: the peak of a stretch of work, what is free, and giving it back."""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Callable
from pathlib import Path

CLEAR_PEAK = "5"  # proc(5), /proc/pid/clear_refs: reset VmHWM to the present resident size
_largest_seen = [0]  # a reset makes the kernel forget, and its count may shrink by some pages


def track_peak() -> Callable[[], int]:
    """Start to watch; the returned function gives the process's peak resident bytes since then.

    Where the kernel does not let us reset the peak, it is the peak since the process started.
    """
    _largest_seen[0] = process_peak()
    try:
        Path("/proc/self/clear_refs").write_text(CLEAR_PEAK)
    except OSError:
        return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return _noted_peak


def process_peak() -> int:
    """The process's peak resident bytes, whatever ``track_peak`` has reset."""
    return max(_largest_seen[0], _peak_since_reset())


def _noted_peak() -> int:
    peak = _peak_since_reset()
    _largest_seen[0] = max(_largest_seen[0], peak)
    return peak


def _peak_since_reset() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def available_bytes() -> int:
    """Memory a new process can have without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo must have a line MemAvailable")


def release_free_memory() -> None:
    """Give the blocks that are free inside the heap back to the system, where the C library can.

    Small arrays that are kept from item to item lie between the large ones that come and go: glibc then
    finds no room for the next large one and grows, by one item's arrays an item.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
