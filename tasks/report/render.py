"""The report: one HTML file that holds everything it shows."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

import numpy as np
from markupsafe import Markup

from proxflow.tasks.report.convergence import SERIES_STYLES, Curve, log_plot
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_table import metric_columns
from proxflow.tasks.report.numbers import bytes_text, number_text, seconds_text
from proxflow.tasks.report.pages import page_environment
from proxflow.tasks.report.panels import (
    MOST_COILS,
    error_bar,
    grey_bar,
    measurement_pictures,
    phase_bar,
    picture_panel,
    samples_window,
    scale_texts,
)
from proxflow.tasks.report.verdict import verdict
from proxflow.tasks.report.window import shows_magnitudes

MOST_ITEM_ROWS = 64  # in the table per item; metrics.csv has all
PLOTS = (
    (
        "objective",
        "Objective relative to its first value",
        "each method minimises its own, so levels do not compare",
    ),
    ("relative_change", "Relative change of the image", "‖x_k − x_(k−1)‖ / ‖x_k‖"),
    ("data_residual", "Data residual", "‖A x − y‖ / ‖y‖ on the sampled data"),
)


def render_report(inputs: ReportInputs) -> str:
    """The HTML text of the report.

    It loads nothing from anywhere: style, script and pictures are inlined, and a content security
    policy forbids all else. Whatever comes from the recipe or the scan is escaped.
    """
    package = files("proxflow.tasks.report")
    css, script = (
        package.joinpath("report.css").read_text("utf-8"),
        package.joinpath("report.js").read_text("utf-8"),
    )
    environment = page_environment()
    environment.filters.update(
        seconds=seconds_text, bytes=bytes_text, number=number_text, setting=_setting_text
    )
    template = environment.from_string(package.joinpath("report.html.j2").read_text("utf-8"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template.render(
        inputs=inputs, css=Markup(css), script=Markup(script), script_digest=digest, **_content(inputs)
    )


def _content(inputs: ReportInputs) -> dict[str, Any]:
    """What the template shows beyond the inputs themselves."""
    rows = range(min(inputs.n_items, MOST_ITEM_ROWS)) if inputs.n_items > 1 else range(0)
    panels = [picture_panel(inputs, picture) for picture in range(inputs.shape[0])]
    return {
        "verdict": verdict(inputs),
        "columns": metric_columns(inputs),
        "item_rows": [(inputs.item_labels[item], metric_columns(inputs, item)) for item in rows],
        "panels": panels,
        "scales": [scale_texts(inputs, panel.window) for panel in panels],
        "n_shown": len(set(inputs.shown)),
        "magnitudes": shows_magnitudes(inputs),
        "pictures": {kind: (uri, width, height) for kind, uri, width, height in measurement_pictures(inputs)},
        "plots": _plots(inputs),
        "samples_window": None if inputs.samples is None else samples_window(inputs.samples),
        "samples_aspect": None if inputs.samples is None else _samples_aspect(inputs.samples),
        "bars": {"grey": grey_bar(), "error": error_bar(), "phase": phase_bar()},
        "aspect": _aspect(inputs),
        "coils_shown": 0 if inputs.coil_maps is None else min(len(inputs.coil_maps), MOST_COILS),
        "n_series": SERIES_STYLES,
        "any_cached": any(stage.cached for stage in inputs.stages),
    }


def _plots(inputs: ReportInputs) -> list[tuple[str, str, Markup]]:
    """(heading, explanation, SVG) of each quantity that any method has traced."""
    plots = []
    for key, heading, explanation in PLOTS:
        curves = [
            Curve(method.name, series, _trace(method.trace[key], relative=key == "objective"))
            for series, method in enumerate(inputs.methods)
            if key in method.trace and len(method.trace[key])
        ]
        svg = log_plot(curves, f"{heading} against iteration, logarithmic axes")
        if svg:
            plots.append((heading, explanation, svg))
    return plots


def _trace(values: np.ndarray, *, relative: bool) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    return values / values[0] if relative and values[0] > 0 else values


def _aspect(inputs: ReportInputs) -> float:
    """Width over height of a picture as the object has it."""
    _, ny, nx = inputs.shape
    if inputs.voxel_size_mm is None or len(inputs.size) == 3:
        return nx / ny
    dy, dx = inputs.voxel_size_mm[-2:]
    return (nx * dx) / (ny * dy)


def _samples_aspect(samples: np.ndarray) -> float:
    """Width over height at which the measurement is shown: its axes have different units, so any will do."""
    ny, nx = samples.shape
    return min(4.0, max(0.6, nx / ny))


def _setting_text(value: object) -> str:
    """A method's setting: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
