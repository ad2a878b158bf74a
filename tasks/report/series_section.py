"""What the page says of a series beyond its single frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proxflow.tasks.report.animation import still, webp_uri
from proxflow.tasks.report.convergence import Curve
from proxflow.tasks.report.curve_plots import CurvePlot, curve_plots
from proxflow.tasks.report.film import Strip, strips
from proxflow.tasks.report.frame_plot import frame_plot
from proxflow.tasks.report.image_labels import plane_text
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_table import metric_label
from proxflow.tasks.report.panels import scale_texts
from proxflow.tasks.report.pictures import data_uri
from proxflow.tasks.report.series import Series
from proxflow.tasks.report.series_window import series_window
from proxflow.tasks.report.trace_plots import Plot


@dataclass(frozen=True)
class SeriesSection:
    """Addresses of pictures, plots and the words beside them. ``moving`` is "" where nothing moves."""

    label: str
    labels: tuple[str, ...]
    moving: str
    still: str
    size: tuple[int, int]
    strips: list[Strip]
    factor: int
    scale: dict[str, str]
    row: int
    column: int
    cut_by: str
    errors: list[Plot]
    curves: list[CurvePlot]


def series_section(inputs: ReportInputs, series: Series, moving: bytes | None) -> SeriesSection:
    """Film, profiles and plots of the series that ``inputs`` shows, with the animation ``moving``."""
    window, picture = series_window(series), still(inputs, series)
    return SeriesSection(
        label=inputs.item_labels[series.item] if inputs.n_items > 1 else "",
        labels=tuple(plane_text(frame, series.n_frames, series=True) for frame in series.film),
        moving="" if moving is None else webp_uri(moving),
        still=data_uri(picture),
        size=picture.size,
        strips=strips(inputs, series),
        factor=window.factor,
        scale=scale_texts(inputs, window),
        row=series.row,
        column=series.column,
        cut_by=series.cut_by,
        errors=frame_errors(inputs, series),
        curves=[plot for method in inputs.methods for plot in curve_plots(method)],
    )


def frame_errors(inputs: ReportInputs, series: Series) -> list[Plot]:
    """One plot of each metric that ranks and is known of every frame, one line a method."""
    plots = []
    for name in inputs.metric_names:
        values = {k: one.metrics[name] for k, one in enumerate(inputs.methods) if name in one.metrics}
        curves = [
            Curve(inputs.methods[k].name, k, np.array(value.per_frame[series.item]))
            for k, value in values.items()
            if value.per_frame and value.higher_is_better is not None
        ]
        label = metric_label(name)
        svg = frame_plot(curves, f"{label} of every frame")
        if svg:
            value = next(iter(values.values()))
            towards = "higher is better" if value.higher_is_better else "lower is better"
            plots.append(Plot(label, f"{value.unit}, {towards}" if value.unit else towards, svg))
    return plots
