"""What methods certify of their images, as the report tells it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from proxflow.models.methods.certificate import FIGURE_TEXTS, Certificate
from proxflow.tasks.report.inputs import ReportInputs


class ConditionRow(NamedTuple):
    """held: in words; text: what must hold and what was found, of the first item."""

    name: str
    holds: bool
    held: str
    text: str


class FigureRow(NamedTuple):
    text: str
    value: str


class CertificatePart(NamedTuple):
    """Of the method ``name``, the ``series``-th, from 0."""

    series: int
    name: str
    summary: str
    conditions: tuple[ConditionRow, ...]
    figures: tuple[FigureRow, ...]


def certificate_parts(inputs: ReportInputs) -> list[CertificatePart]:
    """One for each method with certificates: how many items every condition held in, sentences and numbers of
    the first item."""
    return [
        _part(series, method.name, method.certificates)
        for series, method in enumerate(inputs.methods)
        if method.certificates
    ]


def _part(series: int, name: str, certificates: Sequence[Certificate]) -> CertificatePart:
    first = certificates[0]
    rows = []
    for index, condition in enumerate(first.conditions):
        count = sum(one.conditions[index].holds for one in certificates)
        rows.append(
            ConditionRow(
                condition.name,
                count == len(certificates),
                _held(count, len(certificates)),
                condition.text,
            )
        )
    broken = [row.name for row in rows if not row.holds]
    summary = f"did not hold: {', '.join(broken)}" if broken else "all conditions held"
    figures = tuple(FigureRow(FIGURE_TEXTS[key], _number(value)) for key, value in first.figures.items())
    return CertificatePart(series, name, summary, tuple(rows), figures)


def _held(count: int, n_items: int) -> str:
    if n_items == 1 or count in (0, n_items):
        return "held" if count else "did not hold"
    return f"held in {count} of {n_items} items"


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "not known"
