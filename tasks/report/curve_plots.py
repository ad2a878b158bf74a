"""What methods found beside the image, plotted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from proxflow.tasks.report.convergence import SERIES_STYLES, Curve
from proxflow.tasks.report.frame_plot import frame_plot
from proxflow.tasks.report.inputs import MethodResult
from proxflow.tasks.report.trace_plots import Plot, words


class Kind(NamedTuple):
    """How the lists under one name are told. ``against_first``: over the first of them, not over 1, 2, ..."""

    words: str
    explanation: str
    across: str
    against_first: bool = False


KINDS = {
    "temporal_functions": Kind("temporal functions", "one line each, over the frames", "frame"),
    "functions_tried": Kind(
        "number of functions", "error on held-out views by the number tried", "functions", against_first=True
    ),
    "knots_tried": Kind(
        "number of knots", "error on held-out views by the number tried", "knots", against_first=True
    ),
    "prosep_error_by_functions": Kind(
        "functions of the start", "error on held-out views by the number tried", "functions"
    ),
}


class CurvePlot(NamedTuple):
    """A plot of what one method found, with how many lines it has."""

    plot: Plot
    n_lines: int


def curve_plots(method: MethodResult) -> list[CurvePlot]:
    """One plot for each name in ``method.curves`` under which a line can be drawn."""
    plots = []
    for name, rows in method.curves.items():
        kind = KINDS.get(name, Kind(words(name).lower(), "found by the method", "index"))
        positions, lines = (rows[0], rows[1:]) if kind.against_first else (None, rows)
        curves = [
            Curve(f"{kind.words} {k + 1}", k % SERIES_STYLES, _numbers(row)) for k, row in enumerate(lines)
        ]
        svg = frame_plot(curves, f"{kind.words} of {method.name}", kind.across, positions)
        if svg:
            heading = f"{method.name}: {kind.words}"
            plots.append(CurvePlot(Plot(heading, kind.explanation, svg), len(curves)))
    return plots


def _numbers(row: Sequence[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in row], dtype=np.float64)
