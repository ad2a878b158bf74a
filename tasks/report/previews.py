"""Previews of a run, for its folder and for the Prefect page."""

from __future__ import annotations

import re

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from proxflow.tasks.report.inputs import MethodResult, ReportInputs
from proxflow.tasks.report.metric_table import metric_label, picture_number
from proxflow.tasks.report.numbers import number_text
from proxflow.tasks.report.outline import LINE, borders
from proxflow.tasks.report.panels import coil_sheets
from proxflow.tasks.report.pictures import binary, grey, png, signed
from proxflow.tasks.report.series_window import picture_window
from proxflow.tasks.report.volume_section import VolumeSection
from proxflow.tasks.report.volume_sheets import volume_sheets
from proxflow.tasks.report.window import Displayed, Window, displayed, map_upper

LABEL_HEIGHT = 38  # pixels above each column of the strip
LEAST_SIZE = 176  # pixels of an image in the strip, so that its label can be read
GAP = 4
PLAIN = str.maketrans({"×": "x", "−": "-", "–": "-", "∞": "inf"})  # what Pillow's font has not
INK, MUTED = (226, 230, 233), (160, 170, 178)


def render_previews(
    inputs: ReportInputs, moving: bytes | None = None, volume: VolumeSection | None = None
) -> dict[str, bytes]:
    """File name to PNG of the picture that stands for the run, ``inputs.preview``, at its common window.

    ``reference.png``, ``<method>.png``, ``<method>-<map>.png`` of each of its maps, ``mask.png``,
    ``coil-maps.png`` (magnitude above phase) and ``comparison.png`` (all images, with the outline if given,
    errors below), each where there is something to show; ``moving``, the animation of a series, as
    ``series.webp``; ``slices.png`` and ``surfaces.png`` of a ``volume``. A method's name is reduced to
    letters, digits, "-" and "_"; names that clash get a number.
    """
    values = displayed(inputs, inputs.preview)
    window = picture_window(inputs, inputs.preview)
    pictures: dict[str, Image.Image] = {}
    if values.reference is not None:
        pictures["reference.png"] = grey(values.reference, window.upper)
    if inputs.mask is not None:
        pictures["mask.png"] = binary(inputs.mask)
    if inputs.coil_maps is not None:
        pictures["coil-maps.png"] = _stacked(*coil_sheets(inputs.coil_maps)[:2])
    pictures["comparison.png"] = _comparison(inputs, values, window)
    if volume is not None:
        pictures |= volume_sheets(volume)
    for method, image in zip(inputs.methods, values.methods, strict=True):
        pictures[_file_name(method.name, pictures)] = grey(image, window.upper)
        for name, found in method.maps.items():
            beside = found.pictures[inputs.preview]
            pictures[_file_name(f"{method.name}-{name}", pictures)] = grey(beside, map_upper(beside))
    files = {name: png(picture) for name, picture in pictures.items()}
    return files if moving is None else files | {"series.webp": moving}


def _file_name(name: str, taken: dict[str, Image.Image]) -> str:
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-") or "method"
    candidates = [stem, *(f"{stem}-{k}" for k in range(2, len(taken) + 3))]
    return next(f"{candidate}.png" for candidate in candidates if f"{candidate}.png" not in taken)


def _stacked(upper: Image.Image, lower: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (upper.width, upper.height + GAP + lower.height))
    sheet.paste(upper.convert("RGB"), (0, 0))
    sheet.paste(lower.convert("RGB"), (0, upper.height + GAP))
    return sheet


def _comparison(inputs: ReportInputs, values: Displayed, window: Window) -> Image.Image:
    """One column per image: name and first number, image, error map; small images enlarged."""
    _, ny, nx = inputs.shape
    zoom = -(-LEAST_SIZE // max(ny, nx))
    width, height = zoom * nx, zoom * ny
    reference = values.reference
    line = _enlarged_borders(inputs, zoom)
    n_columns = len(inputs.methods) + (reference is not None)
    bottom = LABEL_HEIGHT + height + (0 if reference is None else GAP + height)
    strip = Image.new("RGB", (n_columns * (width + GAP) - GAP, bottom), (11, 13, 15))
    left = 0
    if reference is not None:
        strip.paste(_outlined(grey(reference, window.upper), zoom, line), (0, LABEL_HEIGHT))
        _label(strip, 0, width, "reference", f"below: errors ×{window.factor}")
        left = width + GAP
    for method, image in zip(inputs.methods, values.methods, strict=True):
        strip.paste(_outlined(grey(image, window.upper), zoom, line), (left, LABEL_HEIGHT))
        if reference is not None:
            error = signed(image - reference, window.upper / window.factor)
            strip.paste(_outlined(error, zoom, None), (left, LABEL_HEIGHT + height + GAP))
        _label(strip, left, width, method.name, _number(inputs, method))
        left += width + GAP
    return strip


def _enlarged_borders(inputs: ReportInputs, zoom: int) -> np.ndarray | None:
    if inputs.outline is None:
        return None
    return borders(inputs.outline[inputs.preview].repeat(zoom, 0).repeat(zoom, 1))


def _outlined(picture: Image.Image, zoom: int, line: np.ndarray | None) -> Image.Image:
    """The picture in colour, each pixel ``zoom`` wide, with the ``line`` drawn in it."""
    pixels = np.array(picture.convert("RGB")).repeat(zoom, 0).repeat(zoom, 1)
    if line is not None:
        pixels[line] = LINE
    return Image.fromarray(pixels)


def _number(inputs: ReportInputs, method: MethodResult) -> str:
    """The first metric that is known of the item or frame of the picture that stands for the run."""
    for value in method.metrics.values():
        number = picture_number(inputs, value, inputs.preview)
        if number is not None:
            return f"{metric_label(value.name)} {number_text(number, value.unit)} {value.unit}"
    return ""


def _label(strip: Image.Image, left: int, width: int, name: str, text: str) -> None:
    """Two lines above a column, cut at its edge."""
    label = Image.new("RGB", (width, LABEL_HEIGHT), (11, 13, 15))
    draw = ImageDraw.Draw(label)
    draw.text((4, 3), name, INK, ImageFont.load_default(14))
    draw.text((4, 20), text.translate(PLAIN), MUTED, ImageFont.load_default(12))
    strip.paste(label, (left, 0))
