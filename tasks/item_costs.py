"""What items cost that workers solved: seconds, peak memory and bytes, kept until the stage is assembled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from proxflow.data.writers.atomic import atomic_path
from proxflow.tasks.byte_counts import track_bytes
from proxflow.tasks.memory import process_peak


@dataclass(frozen=True)
class Cost:
    """Seconds of all, peak memory of the largest process; bytes None where the kernel does not count them."""

    seconds: float = 0.0
    peak_memory_bytes: int = 0
    bytes_read: int | None = 0
    bytes_written: int | None = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            round(self.seconds + other.seconds, 4),
            max(self.peak_memory_bytes, other.peak_memory_bytes),
            _sum(self.bytes_read, other.bytes_read),
            _sum(self.bytes_written, other.bytes_written),
        )


@contextmanager
def cost_kept(folder: Path, item: int) -> Iterator[None]:
    """Note in ``folder`` what the block costs; nothing if it fails."""
    began, counts = time.monotonic(), track_bytes()
    yield
    read, written = counts()
    cost = Cost(time.monotonic() - began, process_peak(), read, written)
    with atomic_path(folder / f"cost-{item}.json") as temporary:
        temporary.write_text(json.dumps(asdict(cost)))


def total_cost(folder: Path) -> Cost:
    """The sum of what was noted in ``folder``; a damaged note is left out, it decides no image."""
    total = Cost()
    for path in folder.glob("cost-*.json"):
        with suppress(OSError, ValueError, TypeError):
            total += Cost(**json.loads(path.read_text()))
    return total


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b
