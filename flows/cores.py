"""Living with other programs on the same cores."""

from __future__ import annotations

import os

SPIN_COUNT = "1000"  # turns of the waiting loop, some microseconds


def share_cores() -> None:
    """Let idle OpenMP threads spin briefly, then sleep; to be called before torch is first imported.

    By default a thread that waits for another spins for long, and two programs that do so on the same
    cores stall each other; threads that sleep at once wake too slowly on a quiet machine. What each
    choice costs is measured by ``python -m benchmarks.busy_cores``. Settings of the user win.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
