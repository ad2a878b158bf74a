"""The table of operators as text, and how each grows with its size."""

from __future__ import annotations

import math
from itertools import groupby

from benchmarks.operator_row import Row

HEADINGS = (
    f"{'':2s}{'action':9s}{'implementation':31s}{'time':>10s}{'/ ours':>8s}{'error':>9s}{'memory':>11s}"
    f"{'limit':>11s}{'ours / it':>11s}  the limit is"
)


class TablePrinter:
    """Prints rows as they come, an action at a time, under a heading for each operator and size."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._block: list[Row] = []
        self._subject = ("", "")
        print(f"\n{HEADINGS}\n{'-' * len(HEADINGS)}")

    def add(self, row: Row) -> None:
        """Print ``row`` with those of its action, once the action is complete."""
        if self._block and _key(self._block[0]) != _key(row):
            self.flush()
        self._block.append(row)
        self.rows.append(row)

    def flush(self) -> None:
        """Print what is not yet printed."""
        if not self._block:
            return
        first = self._block[0]
        if self._subject != (first.operator, first.size):
            self._subject = first.operator, first.size
            print(f"{first.operator}: {first.size}")
        ours = next((row.seconds for row in self._block if row.is_ours), None)
        for row in self._block:
            print(row_text(row, ours), flush=True)
        self._block = []


def row_text(row: Row, our_seconds: float | None) -> str:
    """One line, with the time as a multiple of ``our_seconds``."""
    ratio = f"{row.seconds / our_seconds:.2f}" if our_seconds else ""
    error = "" if row.error is None else f"{row.error:.1e}"
    memory = "" if row.bytes is None else f"{row.bytes / 2**20:.1f} MiB"
    limit = over = ""
    if row.limit_seconds:
        limit, over = time_text(row.limit_seconds), f"{row.seconds / row.limit_seconds:.1f}"
    line = (
        f"{'':2s}{row.action:9s}{row.implementation:31s}{time_text(row.seconds):>10s}{ratio:>8s}{error:>9s}"
        f"{memory:>11s}{limit:>11s}{over:>11s}  {row.limit_text}"
    )
    return line.rstrip()


def time_text(seconds: float) -> str:
    """In milliseconds with three significant digits, in seconds from one second."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    milliseconds = 1e3 * seconds
    return f"{milliseconds:.{max(0, min(3, 2 - math.floor(math.log10(milliseconds))))}f} ms"


def growth_lines(rows: list[Row]) -> list[str]:
    """For each operator's action of ours at two sizes or more: factors of work and time, and the exponent.

    The exponent is of time ~ work^p between the least and the most work: 1 where time follows the work.
    """
    ours = [row for row in rows if row.is_ours and row.work and row.action != "set-up"]
    lines = []
    for name, series in groupby(sorted(ours, key=_series), key=_series):
        steps = sorted(series, key=lambda row: row.work)
        first, last = steps[0], steps[-1]
        if last.work > first.work:
            works = " : ".join(f"{row.work / first.work:.3g}" for row in steps)
            times = " : ".join(f"{row.seconds / first.seconds:.3g}" for row in steps)
            power = math.log(last.seconds / first.seconds) / math.log(last.work / first.work)
            lines.append(f"  {' '.join(name):61s}work {works:20s} time {times:22s} exponent {power:.2f}")
    return lines


def _series(row: Row) -> tuple[str, str, str]:
    slices = row.size.split(" x ")[0] + " slices," if row.operator == "ParallelBeam" else ""
    return row.operator, f"{slices} {row.action}".strip(), row.implementation


def _key(row: Row) -> tuple[str, str, str]:
    return row.operator, row.size, row.action
