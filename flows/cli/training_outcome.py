"""What a training of a network says at its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxflow.flows.network_plan import Headings
    from proxflow.flows.network_training_run import FinishedTraining
    from proxflow.models.networks.judged import Judged


def tell_training(
    finished: FinishedTraining,
    headings: Headings,
    judged: Sequence[Mapping[str, object]],
    *,
    figure: str = "psnr_db",
    as_json: bool,
) -> None:
    """A table for people, or the object of ``--json``, with ``judged`` under the name of its figure."""
    if as_json:
        _print_document(finished, judged, figure)
    else:
        _show_table(finished, headings)


def _show_table(finished: FinishedTraining, headings: Headings) -> None:
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
        f"done after {finished.seconds:.0f} s of training, {finished.steps_per_second:.3g} steps a second; "
        f"{headings.figure} on {headings.judged_on}"
    )
    console.print(f"weights {finished.weights}", soft_wrap=True)
    console.print(f"card    {finished.card}", soft_wrap=True)


def _similarities(row: Judged) -> list[float]:
    """SSIM before and after, where it was measured."""
    return [value for value in (row.ssim_before, row.ssim_after) if value is not None]


def _print_document(finished: FinishedTraining, judged: Sequence[Mapping[str, object]], figure: str) -> None:
    document = {
        "status": "done",
        "run_dir": str(finished.folder.resolve()),
        "weights": str(finished.weights.resolve()),
        figure: judged,
        "seconds": round(finished.seconds, 1),
        "steps_per_second": round(finished.steps_per_second, 3),
    }
    print(json.dumps(document))
