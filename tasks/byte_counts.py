"""Bytes that a stretch of work reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

COUNTERS = Path("/proc/thread-self/io")  # proc(5); of the thread that opens it


class ByteCounts(NamedTuple):
    """Bytes read and written; None where the kernel does not count them."""

    read: int | None
    written: int | None


def track_bytes() -> Callable[[], ByteCounts]:
    """Start to count; the returned function, called in the same thread, gives the bytes since then.

    Counted is what this thread asks of the kernel in system calls (``rchar`` and ``wchar``): also what the
    page cache answers without a disk, and modules that are imported; not memory-mapped files, and not what
    other threads do.
    """
    began = _counters()

    def since() -> ByteCounts:
        now = _counters()
        if began is None or now is None:
            return ByteCounts(None, None)
        return ByteCounts(now["rchar"] - began["rchar"], now["wchar"] - began["wchar"])

    return since


def _counters() -> dict[str, int] | None:
    try:
        lines = COUNTERS.read_text().splitlines()
    except OSError:  # not Linux, or a container that hides it
        return None
    return {name: int(count) for name, _, count in (line.partition(": ") for line in lines)}
