"""PNG previews of a run, for its folder and for the Prefect page."""

from __future__ import annotations

import re

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.metric_table import metric_label
from proxflow.tasks.report.numbers import number_text
from proxflow.tasks.report.panels import coil_sheets
from proxflow.tasks.report.pictures import binary, grey, png, signed
from proxflow.tasks.report.window import item_window

LABEL_HEIGHT = 38  # pixels above each column of the strip
GAP = 4
PLAIN = str.maketrans({"×": "x", "−": "-", "–": "-", "∞": "inf"})  # what Pillow's font has not
INK, MUTED = (226, 230, 233), (160, 170, 178)


def render_previews(inputs: ReportInputs) -> dict[str, bytes]:
    """File name to PNG of the first item, at its common window.

    ``reference.png``, ``<method>.png``, ``mask.png``, ``coil-maps.png`` (magnitude above phase) and
    ``comparison.png`` (all images, errors below), each where there is something to show. A method's
    name is reduced to letters, digits, "-" and "_"; names that clash get a number.
    """
    window = item_window(inputs, 0)
    pictures: dict[str, Image.Image] = {}
    if inputs.reference is not None:
        pictures["reference.png"] = grey(np.abs(inputs.reference[0]), window.upper)
    if inputs.mask is not None:
        pictures["mask.png"] = binary(inputs.mask)
    if inputs.coil_maps is not None:
        pictures["coil-maps.png"] = _stacked(*coil_sheets(inputs.coil_maps)[:2])
    pictures["comparison.png"] = _comparison(inputs)
    for method in inputs.methods:
        pictures[_file_name(method.name, pictures)] = grey(np.abs(method.image[0]), window.upper)
    return {name: png(picture) for name, picture in pictures.items()}


def _file_name(name: str, taken: dict[str, Image.Image]) -> str:
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-") or "method"
    candidates = [stem, *(f"{stem}-{k}" for k in range(2, len(taken) + 3))]
    return next(f"{candidate}.png" for candidate in candidates if f"{candidate}.png" not in taken)


def _stacked(upper: Image.Image, lower: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (upper.width, upper.height + GAP + lower.height))
    sheet.paste(upper.convert("RGB"), (0, 0))
    sheet.paste(lower.convert("RGB"), (0, upper.height + GAP))
    return sheet


def _comparison(inputs: ReportInputs) -> Image.Image:
    """One column per image: name and first number, image, error map."""
    _, ny, nx = inputs.shape
    window, reference = item_window(inputs, 0), inputs.reference
    n_columns = len(inputs.methods) + (reference is not None)
    height = LABEL_HEIGHT + ny + (0 if reference is None else GAP + ny)
    strip = Image.new("RGB", (n_columns * (nx + GAP) - GAP, height), (11, 13, 15))
    left = 0
    if reference is not None:
        strip.paste(grey(np.abs(reference[0]), window.upper).convert("RGB"), (0, LABEL_HEIGHT))
        _label(strip, 0, nx, "reference", f"below: errors ×{window.factor}")
        left = nx + GAP
    for method in inputs.methods:
        magnitude = np.abs(method.image[0])
        strip.paste(grey(magnitude, window.upper).convert("RGB"), (left, LABEL_HEIGHT))
        if reference is not None:
            error = signed(magnitude - np.abs(reference[0]), window.upper / window.factor)
            strip.paste(error.convert("RGB"), (left, LABEL_HEIGHT + ny + GAP))
        value = next((value for value in method.metrics.values() if value.per_item), None)
        number = "" if value is None else number_text(value.per_item[0], value.unit)
        _label(
            strip,
            left,
            nx,
            method.name,
            "" if value is None else f"{metric_label(value.name)} {number} {value.unit}",
        )
        left += nx + GAP
    return strip


def _label(strip: Image.Image, left: int, width: int, name: str, text: str) -> None:
    """Two lines above a column, cut at its edge."""
    label = Image.new("RGB", (width, LABEL_HEIGHT), (11, 13, 15))
    draw = ImageDraw.Draw(label)
    draw.text((4, 3), name, INK, ImageFont.load_default(14))
    draw.text((4, 20), text.translate(PLAIN), MUTED, ImageFont.load_default(12))
    strip.paste(label, (left, 0))
