"""The windows pictures are shown in; those of a series share one, so that its frames compare."""

from __future__ import annotations

import numpy as np

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.series import Series
from proxflow.tasks.report.window import Displayed, Window, displayed, error_factor, window_of


def picture_window(inputs: ReportInputs, picture: int) -> Window:
    """The window of one picture: its own, or that of the series it is a frame of."""
    if inputs.series is None:
        return window_of(displayed(inputs, picture), inputs.decibels)
    item = inputs.shown[picture]
    if item == inputs.series.item:
        return series_window(inputs.series)
    same = [displayed(inputs, k) for k, other in enumerate(inputs.shown) if other == item]
    references = [one.reference for one in same if one.reference is not None]
    return _window(
        np.stack([one.methods for one in same], axis=1), np.stack(references) if references else None
    )


def series_window(series: Series) -> Window:
    """The window of the frames on the film strip."""
    methods = np.stack([method.film for method in series.methods])
    return _window(methods, None if series.reference is None else series.reference.film)


def _window(methods: np.ndarray, reference: np.ndarray | None) -> Window:
    """``window_of`` methods (method, frame, y, x), but for the errors: at most 1 % of those of half of the
    methods clip. Frame by frame, from a few views, some fail, and would leave the others' errors black."""
    window = window_of(Displayed(methods, reference), None)
    if reference is None:
        return window
    spreads = [float(np.percentile(np.abs(method - reference), 99)) for method in methods]
    return Window(window.upper, error_factor(window.upper, float(np.median(spreads))))
