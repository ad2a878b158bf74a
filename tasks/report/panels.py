"""The pictures of a report: one panel per item, and what the measurement looked like."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_table import metric_label
from proxflow.tasks.report.numbers import number_text
from proxflow.tasks.report.palettes import phase_palette, signed_palette
from proxflow.tasks.report.pictures import binary, data_uri, grey, montage, phase, signed
from proxflow.tasks.report.window import Window, item_window

TILE = 112  # pixels; larger coil maps are thinned to about this
MOST_COILS = 32


@dataclass(frozen=True)
class View:
    """One method's image and error map of an item (``error`` is "" without a reference)."""

    name: str
    series: int
    image: str
    error: str
    caption: str


@dataclass(frozen=True)
class Panel:
    """All views of one item at one window."""

    item: int
    label: str
    window: Window
    reference: str
    views: tuple[View, ...]


def item_panel(inputs: ReportInputs, item: int) -> Panel:
    """The reference and every method at the item's common window, with error maps."""
    window = item_window(inputs, item)
    reference = None if inputs.reference is None else np.abs(inputs.reference[item])
    views = []
    for series, method in enumerate(inputs.methods):
        magnitude = np.abs(method.image[item])
        error = (
            "" if reference is None else data_uri(signed(magnitude - reference, window.upper / window.factor))
        )
        image = data_uri(grey(magnitude, window.upper))
        views.append(View(method.name, series, image, error, _caption(inputs, series, item)))
    shown = "" if reference is None else data_uri(grey(reference, window.upper))
    return Panel(item, inputs.item_labels[item], window, shown, tuple(views))


def _caption(inputs: ReportInputs, series: int, item: int) -> str:
    """Up to two of the item's own numbers, those that rank where there are any."""
    values = [value for value in inputs.methods[series].metrics.values() if item < len(value.per_item)]
    values = [value for value in values if value.higher_is_better is not None] or values
    return ", ".join(
        f"{metric_label(value.name)} {number_text(value.per_item[item], value.unit)} {value.unit}".rstrip()
        for value in values[:2]
    )


def coil_sheets(coil_maps: np.ndarray) -> tuple[Image.Image, Image.Image, int]:
    """Montages of magnitude (0 to the maximum) and phase, and how many coils they hold (at most 32)."""
    step = max(1, min(coil_maps.shape[1:]) // TILE)
    maps = coil_maps[:MOST_COILS, ::step, ::step]
    n_rows = max(1, round(math.sqrt(len(maps) / 2.6)))  # about 2.6 times as wide as high
    sheet = montage(maps, -(-len(maps) // n_rows))
    upper = float(np.abs(maps).max()) or 1.0
    return grey(np.abs(sheet), upper), phase(sheet, sheet != 0), len(maps)


def measurement_pictures(inputs: ReportInputs) -> Iterator[tuple[str, str, int, int]]:
    """(kind, data URI, width, height) of what is known: mask, region, coil magnitude, coil phase."""
    if inputs.mask is not None:
        yield _entry("mask", binary(inputs.mask))
    if inputs.region is not None and not inputs.region.all():
        yield _entry("region", binary(np.broadcast_to(inputs.region, inputs.shape)[0]))
    if inputs.coil_maps is not None:
        magnitude, angle, _ = coil_sheets(inputs.coil_maps)
        yield _entry("coil-magnitude", magnitude)
        yield _entry("coil-phase", angle)


def _entry(kind: str, picture: Image.Image) -> tuple[str, str, int, int]:
    return kind, data_uri(picture), picture.width, picture.height


def error_bar() -> str:
    """The colour bar of the error maps, negative on the left."""
    return _bar(signed_palette()[:255])


def phase_bar() -> str:
    """The colour bar of the phase, -pi on the left."""
    return _bar(phase_palette())


def _bar(palette: np.ndarray) -> str:
    return data_uri(Image.fromarray(palette[None]))
