"""The pictures of a report: one panel each, and what the measurement looked like."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from proxflow.tasks.report.inputs import MapPictures, ReportInputs
from proxflow.tasks.report.metric_table import metric_label, picture_number
from proxflow.tasks.report.numbers import number_text
from proxflow.tasks.report.outline import outline_picture
from proxflow.tasks.report.palettes import phase_palette, signed_palette
from proxflow.tasks.report.pictures import binary, data_uri, grey, montage, phase, signed
from proxflow.tasks.report.series_window import picture_window
from proxflow.tasks.report.window import Window, displayed, map_upper, shows_magnitudes

TILE = 112  # pixels; larger coil maps are thinned to about this
MOST_COILS = 32
MOST_SAMPLES = 720  # pixels along a side of the picture of the measurement


class MapView(NamedTuple):
    """A picture of one map beside an image, grey from 0 to ``white``; ``text`` says what it is."""

    name: str
    text: str
    white: str
    image: str


@dataclass(frozen=True)
class View:
    """One method's image, error map (``error`` is "" without a reference) and further maps."""

    name: str
    series: int
    image: str
    error: str
    caption: str
    maps: tuple[MapView, ...]


@dataclass(frozen=True)
class Panel:
    """All views of one picture at one window. ``outline`` and ``reference`` are "" where there is none."""

    picture: int
    label: str
    window: Window
    reference: str
    outline: str
    views: tuple[View, ...]

    @property
    def n_columns(self) -> int:
        """Of the methods' images and their maps."""
        return sum(1 + len(view.maps) for view in self.views)


def picture_panel(inputs: ReportInputs, picture: int) -> Panel:
    """The reference and every method at the picture's common window, with error maps."""
    values = displayed(inputs, picture)
    window = picture_window(inputs, picture)
    views = []
    for series, (method, image) in enumerate(zip(inputs.methods, values.methods, strict=True)):
        error = (
            ""
            if values.reference is None
            else data_uri(signed(image - values.reference, window.upper / window.factor))
        )
        caption = _caption(inputs, series, picture)
        maps = tuple(_map_view(inputs, name, one, picture) for name, one in method.maps.items())
        views.append(View(method.name, series, data_uri(grey(image, window.upper)), error, caption, maps))
    shown = "" if values.reference is None else data_uri(grey(values.reference, window.upper))
    outline = "" if inputs.outline is None else data_uri(outline_picture(inputs.outline[picture]))
    return Panel(picture, inputs.shown_labels[picture], window, shown, outline, tuple(views))


def _map_view(inputs: ReportInputs, name: str, found: MapPictures, picture: int) -> MapView:
    """At a window of its own: maps are often far smaller than the image."""
    values = found.pictures[picture]
    upper = map_upper(values)
    white = f"{number_text(upper)} {inputs.unit}".rstrip()
    return MapView(name, found.text, white, data_uri(grey(values, upper)))


def scale_texts(inputs: ReportInputs, window: Window) -> dict[str, str]:
    """The ends of the grey scale (black, white) and of the error scale (error), and the error in symbols."""
    unit = "dB" if inputs.decibels is not None else inputs.unit
    if inputs.decibels is not None:
        black, white = f"−{inputs.decibels:.4g}", "0 dB (own peak)"
        formula = "level(x) − level(ref)"
    else:
        black, white = "0", f"{number_text(window.upper)} {unit}".rstrip()
        formula = "|x| − |ref|" if shows_magnitudes(inputs) else "x − ref"
    end = window.upper / window.factor
    error = f"{end:.4g}" if inputs.decibels is not None else number_text(end)
    return {"black": black, "white": white, "error": error, "formula": formula, "unit": unit}


def _caption(inputs: ReportInputs, series: int, picture: int) -> str:
    """Up to two numbers of the picture's item, or of its frame; those that rank where there are any."""
    metrics = inputs.methods[series].metrics.values()
    numbers = [(value, picture_number(inputs, value, picture)) for value in metrics]
    known = [(value, number) for value, number in numbers if number is not None]
    known = [pair for pair in known if pair[0].higher_is_better is not None] or known
    return ", ".join(
        f"{metric_label(value.name)} {number_text(number, value.unit)} {value.unit}".rstrip()
        for value, number in known[:2]
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
    """(kind, data URI, width, height) of what is known: mask, region, samples, coil magnitude and phase."""
    if inputs.mask is not None:
        yield _entry("mask", binary(inputs.mask))
    if inputs.region is not None and not inputs.region.all():
        yield _entry("region", binary(np.broadcast_to(inputs.region, inputs.shape)[inputs.preview]))
    if inputs.samples is not None:
        low, high = samples_window(inputs.samples)
        yield _entry("samples", grey(_thinned(inputs.samples) - low, high - low))
    if inputs.coil_maps is not None:
        magnitude, angle, _ = coil_sheets(inputs.coil_maps)
        yield _entry("coil-magnitude", magnitude)
        yield _entry("coil-phase", angle)


def samples_window(samples: np.ndarray) -> tuple[float, float]:
    """Black and white of the picture of the measurement: its 0.5th and 99.5th percentile."""
    low, high = (float(end) for end in np.percentile(samples, (0.5, 99.5)))
    return low, high if high > low else low + 1.0


def _thinned(samples: np.ndarray) -> np.ndarray:
    """At most 720 evenly spread rows and columns."""
    rows, columns = (
        np.linspace(0, count - 1, min(count, MOST_SAMPLES)).round().astype(int) for count in samples.shape
    )
    return samples[np.ix_(rows, columns)]


def _entry(kind: str, picture: Image.Image) -> tuple[str, str, int, int]:
    return kind, data_uri(picture), picture.width, picture.height


def grey_bar() -> str:
    """The bar of the grey scale, black on the left."""
    return _bar(np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1))


def error_bar() -> str:
    """The colour bar of the error maps, negative on the left."""
    return _bar(signed_palette()[:255])


def phase_bar() -> str:
    """The colour bar of the phase, -pi on the left."""
    return _bar(phase_palette())


def _bar(palette: np.ndarray) -> str:
    return data_uri(Image.fromarray(palette[None]))
