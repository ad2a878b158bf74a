"""Figures of one or more methods as a table on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from proxflow.tasks.report.numbers import number_text

if TYPE_CHECKING:
    from proxflow.flows.launch import Finished


def metric_table(finished: Finished) -> Table:
    """A row per method, a column per metric with an arrow towards better, the best in bold."""
    from proxflow.models.metrics.registry import METRICS

    seconds = {outcome.label: outcome.seconds for outcome in finished.result.outcomes}
    names = list(dict.fromkeys(name for figures in finished.metrics.values() for name in figures))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("method", no_wrap=True)
    for name in names:
        metric = METRICS[name]
        arrow = {True: " ↑", False: " ↓", None: ""}[metric.higher_is_better]
        table.add_column(f"{metric.label}{arrow}\n[dim]{metric.unit}[/]", justify="right")
    table.add_column("computed in", justify="right")
    best = {name: _best(finished.metrics, name, METRICS[name].higher_is_better) for name in names}
    for method, figures in finished.metrics.items():
        cells = [
            _cell(figures.get(name), METRICS[name].unit, figures.get(name) == best[name]) for name in names
        ]
        table.add_row(method, *cells, f"{seconds[f'reconstruct:{method}']:.2f} s")
    return table


def _best(metrics: dict[str, dict[str, Any]], name: str, higher: bool | None) -> float | None:
    values = [figures[name] for figures in metrics.values() if isinstance(figures.get(name), float)]
    if higher is None or len(values) < 2:
        return None
    return max(values) if higher else min(values)


def _cell(value: float | str | None, unit: str, best: bool) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else number_text(value, unit)
    return f"[bold green]{text}[/]" if best else text
