"""What of a run is shown, and how: items, displayed values, the window shared by all methods."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxflow.tasks.report.inputs import ReportInputs

WINDOW_PERCENTILE = 99.9  # of the displayed values: lets a few bright vessels clip
ERROR_FACTORS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
PIXEL_BUDGET = 2_000_000  # embedded pixels: about 2 MB of HTML
MOST_ITEMS = 12


class Displayed(NamedTuple):
    """One picture as displayed: real ``methods`` (method, y, x), ``reference`` (y, x) or None; 0 is black."""

    methods: np.ndarray
    reference: np.ndarray | None


class Window(NamedTuple):
    """Grey from 0 to ``upper``; errors from -upper/factor to upper/factor (factor 1: no reference)."""

    upper: float
    factor: int


def shown_items(
    n_items: int, ny: int, nx: int, n_methods: int, has_reference: bool, *, inner: bool = False
) -> list[int]:
    """The items to embed: all within the budget of pixels and 12, else evenly spread ones from the first to
    the last; or those in the middle of as many equal parts (``inner``), for slices of volumes, whose ends are
    often empty.

    ``ny`` and ``nx`` are the size of all pictures of an item together.
    """
    pictures = n_methods * (2 if has_reference else 1) + has_reference
    count = min(n_items, MOST_ITEMS, max(1, PIXEL_BUDGET // (pictures * ny * nx)))
    if inner:
        return [(2 * part + 1) * n_items // (2 * count) for part in range(count)]
    return np.linspace(0, n_items - 1, count).round().astype(int).tolist()


def shows_magnitudes(inputs: ReportInputs) -> bool:
    """Whether any image is complex: then all are shown, and compared, as magnitudes."""
    references = () if inputs.reference is None else (inputs.reference,)
    return any(np.iscomplexobj(image) for image in (*(m.image for m in inputs.methods), *references))


def displayed(inputs: ReportInputs, picture: int) -> Displayed:
    """Real images as they are, complex ones as magnitudes; with ``decibels`` D as levels above -D dB:

        D + max(-D, 20 log10(|x| / peak)),  peak the maximum of |x| over the pictures of the same item

    of that method, or of the reference.
    """
    if inputs.decibels is None:
        shown = np.abs if shows_magnitudes(inputs) else np.asarray
        methods = np.stack([shown(method.image[picture]) for method in inputs.methods])
        return Displayed(methods, None if inputs.reference is None else shown(inputs.reference[picture]))
    same = [k for k, item in enumerate(inputs.shown) if item == inputs.shown[picture]]

    def level(images: np.ndarray, decibels: float) -> np.ndarray:
        peak = max(float(np.abs(images[k]).max()) for k in same) or 1.0
        ratio = np.abs(images[picture]) / peak
        return decibels + 20 * np.log10(np.maximum(ratio, 10 ** (-decibels / 20)))

    methods = np.stack([level(method.image, inputs.decibels) for method in inputs.methods])
    reference = None if inputs.reference is None else level(inputs.reference, inputs.decibels)
    return Displayed(methods, reference)


def window_of(values: Displayed, decibels: float | None) -> Window:
    """The window of one picture, common to the reference and every method.

    ``upper`` is ``decibels``, or the 99.9th percentile of the reference's values (of all methods'
    where there is none). ``factor`` is the largest of 1, 2, 5, 10, ... with which at most 1 % of all
    methods' errors clip.
    """
    shown = values.methods if values.reference is None else values.reference
    ends = (decibels or 0.0, float(np.percentile(shown, WINDOW_PERCENTILE)), float(shown.max()), 1.0)
    upper = next(end for end in ends if end > 0)
    if values.reference is None:
        return Window(upper, 1)
    return Window(upper, error_factor(upper, float(np.percentile(np.abs(values.methods - shown), 99))))


def map_upper(values: np.ndarray) -> float:
    """White of the picture of a map: its 99.9th percentile, its maximum where that is 0, 1 where all is."""
    ends = (float(np.percentile(values, WINDOW_PERCENTILE)), float(values.max()), 1.0)
    return next(end for end in ends if end > 0)


def error_factor(upper: float, spread: float) -> int:
    """The largest of 1, 2, 5, 10, ... by which errors as large as ``spread`` may be enlarged."""
    fitting = [factor for factor in ERROR_FACTORS if factor * spread <= upper]
    return fitting[-1] if fitting else 1
