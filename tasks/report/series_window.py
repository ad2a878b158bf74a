"""The windows pictures are shown in; those of a series share one, so that its frames compare."""

from __future__ import annotations

import numpy as np

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.series import Series
from proxflow.tasks.report.window import Displayed, Window, displayed, window_of


def picture_window(inputs: ReportInputs, picture: int) -> Window:
    """The window of one picture: its own, or that of the series it is a frame of."""
    if inputs.series is None:
        return window_of(displayed(inputs, picture), inputs.decibels)
    item = inputs.shown[picture]
    if item == inputs.series.item:
        return series_window(inputs.series)
    same = [displayed(inputs, k) for k, other in enumerate(inputs.shown) if other == item]
    references = [one.reference for one in same if one.reference is not None]
    methods = np.stack([one.methods for one in same], axis=1)
    return window_of(Displayed(methods, np.stack(references) if references else None), None)


def series_window(series: Series) -> Window:
    """The window of the frames on the film strip, as one picture's is chosen (``window_of``)."""
    methods = np.stack([method.film for method in series.methods])
    return window_of(Displayed(methods, None if series.reference is None else series.reference.film), None)
