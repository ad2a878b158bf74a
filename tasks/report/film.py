"""A series on paper: a film strip of every method, and one line of pixels over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.pictures import data_uri, grey, signed
from proxflow.tasks.report.series import Moving, Series
from proxflow.tasks.report.series_window import series_window
from proxflow.tasks.report.window import Window

SIGNED_ZERO = 127  # the index of zero in the palette of errors
FRAME_GAP = 2  # pixels between the frames of a strip


@dataclass(frozen=True)
class Strip:
    """One row of the film and its profiles, as addresses; ``error`` is "" where there is no reference.

    ``series`` picks the method's colour; None is the reference.
    """

    name: str
    series: int | None
    film: str
    error: str
    row: str
    column: str


def strips(inputs: ReportInputs, series: Series) -> list[Strip]:
    """The reference, if there is one, and every method, all at the window of the series."""
    window = series_window(series)
    found = []
    if series.reference is not None:
        found.append(_strip("reference", None, series.reference, None, window))
    for index, (method, shown) in enumerate(zip(inputs.methods, series.methods, strict=True)):
        found.append(_strip(method.name, index, shown, series.reference, window))
    return found


def _strip(name: str, index: int | None, shown: Moving, reference: Moving | None, window: Window) -> Strip:
    error = ""
    if reference is not None:
        limit = window.upper / window.factor
        error = data_uri(_reel([signed(frame, limit) for frame in shown.film - reference.film]))
    return Strip(
        name,
        index,
        film=data_uri(_reel([grey(frame, window.upper) for frame in shown.film])),
        error=error,
        row=data_uri(grey(shown.row.T, window.upper)),
        column=data_uri(grey(shown.column.T, window.upper)),
    )


def _reel(frames: list[Image.Image]) -> Image.Image:
    """Frames side by side, with the palette of the first; black between them."""
    width, height = frames[0].size
    palette = frames[0].getpalette()
    black = 0 if palette is None else SIGNED_ZERO
    pixels = np.full((height, len(frames) * (width + FRAME_GAP) - FRAME_GAP), black, np.uint8)
    for k, frame in enumerate(frames):
        left = k * (width + FRAME_GAP)
        pixels[:, left : left + width] = np.asarray(frame)
    reel = Image.fromarray(pixels)
    if palette is not None:
        reel.putpalette(palette)
    return reel
