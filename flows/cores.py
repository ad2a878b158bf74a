"""Living with other programs on the same cores."""

from __future__ import annotations

import os


def share_cores() -> None:
    """Let idle OpenMP threads sleep instead of spin; to be called before torch is first imported.

    By default a thread that waits for another spins. With one more busy process on two cores, forty
    iterations of TV that take 0.7 s asleep took 30 to 70 s spinning (benchmarks/busy_cores.py). A value
    the user has set wins.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
