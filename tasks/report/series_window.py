"""The one window in which everything of a series is shown, so that frames compare."""

from __future__ import annotations

import numpy as np

from proxflow.tasks.report.series import Series
from proxflow.tasks.report.window import Displayed, Window, window_of


def series_window(series: Series) -> Window:
    """The window of the frames on the film strip, as one picture's is chosen (``window_of``)."""
    methods = np.stack([method.film for method in series.methods])
    return window_of(Displayed(methods, None if series.reference is None else series.reference.film), None)
