"""The training of a network on a terminal: a bar with the time left, and a line whenever it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import MofNCompleteColumn, TextColumn

from proxflow.flows.cli.terminal_bar import TerminalBar

if TYPE_CHECKING:
    from proxflow.models.networks.judged import Judged


class NetworkBar(TerminalBar):
    """Draws on ``console``; a context manager. Only the lines where that is not a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            console,
            before=TextColumn("steps"),
            after=MofNCompleteColumn(),
            last=TextColumn("[dim]{task.description}"),
        )
        self._bar = self._progress.add_task("", total=None)
        self._n_steps = 0

    def began(self, step: int, n_steps: int) -> None:
        """The bar's length, and where a checkpoint puts it."""
        self._n_steps = n_steps
        self._progress.reset(self._bar, total=n_steps, completed=step)
        if step:
            self._console.print(f"  goes on at step {step}", style="dim")

    def stepped(self, step: int, loss: float) -> None:
        self._progress.update(self._bar, completed=step, description=f"loss {loss:.2e}")

    def judged(self, step: int, rows: Sequence[Judged]) -> None:
        """A line with the gain at each level."""
        from proxflow.models.networks.judged import mean_mse

        gains = ", ".join(f"{row.gain:+.2f}" for row in rows)
        told = f"  step {step}/{self._n_steps}: gain {gains} dB, mse {mean_mse(rows):.2e}"
        self._console.print(told, highlight=False)
