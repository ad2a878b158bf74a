"""A bar on a terminal that goes when the work is done; what the screens of our commands share."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TimeRemainingColumn

BAR_WIDTH = 28
REDRAWN = 5  # times a second, each of 1.2 ms: rich's ten take 1.2 % of a core from a method on one thread


class TerminalBar:
    """Draws on ``console``; a context manager. Where that is not a terminal there is no bar, only the lines
    that are printed.

    Args:
        before, after, last: columns left and right of the bar, and behind the time that is left.
    """

    def __init__(
        self,
        console: Console,
        *,
        before: ProgressColumn,
        after: ProgressColumn,
        last: ProgressColumn | None = None,
    ) -> None:
        self._console = console
        columns = [SpinnerColumn(), before, BarColumn(bar_width=BAR_WIDTH), after, TimeRemainingColumn()]
        self._progress = Progress(
            *columns,
            *([] if last is None else [last]),
            console=console,
            refresh_per_second=REDRAWN,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
