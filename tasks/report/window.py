"""The grey window and the error scale shared by all methods, and which items are shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxflow.tasks.report.inputs import ReportInputs

WINDOW_PERCENTILE = 99.9  # of the magnitudes: lets a few bright vessels clip
ERROR_FACTORS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
PIXEL_BUDGET = 2_000_000  # embedded pixels: about 2 MB of HTML
MOST_ITEMS = 12


class Window(NamedTuple):
    """Grey from 0 to ``upper``; errors from -upper/factor to upper/factor (factor 1: no reference)."""

    upper: float
    factor: int


def item_window(inputs: ReportInputs, item: int) -> Window:
    """The window of one item, common to the reference and every method.

    ``upper`` is the 99.9th percentile of the reference's magnitudes (of all methods' where there
    is none). ``factor`` is the largest of 1, 2, 5, 10, ... with which at most 1 % of all methods'
    errors clip.
    """
    images = np.stack([np.abs(method.image[item]) for method in inputs.methods])
    shown = images if inputs.reference is None else np.abs(inputs.reference[item])
    upper = float(np.percentile(shown, WINDOW_PERCENTILE)) or float(shown.max()) or 1.0
    if inputs.reference is None:
        return Window(upper, 1)
    spread = float(np.percentile(np.abs(images - shown), 99))
    fitting = [factor for factor in ERROR_FACTORS if factor * spread <= upper]
    return Window(upper, fitting[-1] if fitting else 1)


def shown_items(inputs: ReportInputs) -> list[int]:
    """The items to embed: all within the budget of pixels and 12, else evenly spread ones from the first."""
    n_items, ny, nx = inputs.shape
    pictures = len(inputs.methods) * (1 if inputs.reference is None else 2) + (inputs.reference is not None)
    count = min(n_items, MOST_ITEMS, max(1, PIXEL_BUDGET // (pictures * ny * nx)))
    return np.linspace(0, n_items - 1, count).round().astype(int).tolist()
