"""The table of metrics, the best of each column marked, and the conventions below it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from proxflow.models.metrics.registry import METRICS
from proxflow.models.metrics.value import MetricValue
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.numbers import number_text


@dataclass(frozen=True)
class Cell:
    """One number; ``best`` where no other method has a better one."""

    text: str
    best: bool


@dataclass(frozen=True)
class Column:
    """One metric: its head, the arrow towards better ("" where it does not rank), its cells."""

    name: str
    label: str
    unit: str
    arrow: str
    cells: tuple[Cell, ...]
    conventions: tuple[str, ...]


def metric_label(name: str) -> str:
    """The metric's name for readers; a metric from elsewhere keeps its own."""
    return METRICS[name].label if name in METRICS else name


def best_value(values: list[MetricValue]) -> float | None:
    """The best of several methods' numbers; None where they do not rank or are all the same."""
    numbers = [value.value for value in values if not math.isnan(value.value)]
    if len(set(numbers)) < 2 or values[0].higher_is_better is None:
        return None
    return max(numbers) if values[0].higher_is_better else min(numbers)


def picture_number(inputs: ReportInputs, value: MetricValue, picture: int) -> float | None:
    """The number of what a picture shows: its frame of a series, else its item; None where there is none."""
    item = inputs.shown[picture]
    if inputs.series is not None:
        return value.per_frame[item][inputs.shown_frames[picture]] if value.per_frame else None
    return value.per_item[item] if value.per_item else None


def metric_columns(inputs: ReportInputs, item: int | None = None) -> list[Column]:
    """One column per metric that any method has, cells in the methods' order.

    Over all items, or of one ``item``, where metrics without numbers per item are left out.
    """
    columns = []
    for name in inputs.metric_names:
        values = [_value(method.metrics.get(name), item) for method in inputs.methods]
        found = [value for value in values if value is not None]
        if not found:
            continue
        best = best_value(found)
        cells = tuple(
            Cell("–", False)
            if value is None
            else Cell(number_text(value.value, value.unit), best is not None and value.value == best)
            for value in values
        )
        arrow = {True: "↑", False: "↓", None: ""}[found[0].higher_is_better]
        region = f"; region: {inputs.region_text}"  # the page says it once for all metrics
        conventions = tuple(dict.fromkeys(value.convention.removesuffix(region) for value in found))
        columns.append(Column(name, metric_label(name), found[0].unit, arrow, cells, conventions))
    return columns


def _value(value: MetricValue | None, item: int | None) -> MetricValue | None:
    if value is None or item is None:
        return value
    return replace(value, value=value.per_item[item], per_item=()) if item < len(value.per_item) else None
