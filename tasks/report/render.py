"""The report: one HTML file that holds everything it shows."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import FunctionLoader
from markupsafe import Markup

from proxflow.tasks.report.certificate_section import certificate_parts
from proxflow.tasks.report.convergence import SERIES_STYLES
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
from proxflow.tasks.report.series_section import series_section
from proxflow.tasks.report.trace_plots import trace_plots
from proxflow.tasks.report.verdict import verdict
from proxflow.tasks.report.volume_section import VolumeSection
from proxflow.tasks.report.window import shows_magnitudes

MOST_ITEM_ROWS = 64  # in the table per item; metrics.csv has all


def render_report(
    inputs: ReportInputs, moving: bytes | None = None, volume: VolumeSection | None = None
) -> str:
    """The HTML text of the report; ``moving`` is the animation of its series and ``volume`` what is shown of
    its volumes, if these are to be in it.

    It loads nothing from anywhere: style, script and pictures are inlined, and a content security
    policy forbids all else. Whatever comes from the recipe or the scan is escaped.
    """
    package = files("proxflow.tasks.report")
    css, of_volumes, script = (
        package.joinpath(name).read_text("utf-8") for name in ("report.css", "volume.css", "report.js")
    )
    environment = page_environment()
    environment.loader = FunctionLoader(lambda name: package.joinpath(name).read_text("utf-8"))
    environment.filters.update(
        seconds=seconds_text, bytes=bytes_text, number=number_text, setting=_setting_text
    )
    template = environment.get_template("report.html.j2")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template.render(
        inputs=inputs,
        css=Markup(css + of_volumes if volume else css),
        script=Markup(script),
        script_digest=digest,
        volume=volume,
        **_content(inputs, moving),
    )


def _content(inputs: ReportInputs, moving: bytes | None) -> dict[str, Any]:
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
        "plots": trace_plots(inputs),
        "certificates": certificate_parts(inputs),
        "series": None if inputs.series is None else series_section(inputs, inputs.series, moving),
        "samples_window": None if inputs.samples is None else samples_window(inputs.samples),
        "samples_aspect": None if inputs.samples is None else _samples_aspect(inputs.samples),
        "bars": {"grey": grey_bar(), "error": error_bar(), "phase": phase_bar()},
        "aspect": inputs.aspect,
        "coils_shown": 0 if inputs.coil_maps is None else min(len(inputs.coil_maps), MOST_COILS),
        "n_series": SERIES_STYLES,
        "any_cached": any(stage.cached for stage in inputs.stages),
    }


def _samples_aspect(samples: np.ndarray) -> float:
    """Width over height at which the measurement is shown: its axes have different units, so any will do."""
    ny, nx = samples.shape
    return min(4.0, max(0.6, nx / ny))


def _setting_text(value: object) -> str:
    """A method's setting: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
