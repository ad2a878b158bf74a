"""What a training of a network says at its end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxflow.flows.network_plan import Headings
    from proxflow.flows.network_training_run import FinishedTraining
    from proxflow.models.networks.judged import Judged


def show_training(finished: FinishedTraining, headings: Headings) -> None:
    """A table for people."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    similar = [f"SSIM {headings.before}", f"SSIM {headings.after}"] if _similarities(finished.rows[0]) else []
    decibels = f"{headings.before} dB", f"{headings.after} dB", "gain dB"
    for heading in (headings.level, *decibels, "mse", *similar):
        table.add_column(heading, justify="right")
    for row in finished.rows:
        gain = f"[bold]{row.gain:+.2f}[/]"
        numbers = f"{row.before:.2f}", f"{row.after:.2f}", gain, f"{row.mse:.2e}"
        table.add_row(row.level, *numbers, *(f"{value:.4f}" for value in _similarities(row)))
    console.print(table)
    console.print(
        f"done after {finished.seconds:.0f} s of training; {headings.figure} on {headings.judged_on}"
    )
    console.print(f"weights {finished.weights}", soft_wrap=True)
    console.print(f"card    {finished.card}", soft_wrap=True)


def _similarities(row: Judged) -> list[float]:
    """SSIM before and after, where it was measured."""
    return [value for value in (row.ssim_before, row.ssim_after) if value is not None]


def print_training(
    finished: FinishedTraining, judged: Sequence[dict[str, Any]], figure: str = "psnr_db"
) -> None:
    """The closing object of ``--json``, in which ``judged`` stands under the name of its ``figure``."""
    document = {
        "status": "done",
        "run_dir": str(finished.folder.resolve()),
        "weights": str(finished.weights.resolve()),
        figure: judged,
        "seconds": round(finished.seconds, 1),
    }
    print(json.dumps(document))
