"""One drawing as SVG and as pixels."""

from __future__ import annotations

import base64
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from proxflow.tasks.report.drawing import Dot, Drawing, Line, Picture, Text, raster, svg
from proxflow.tasks.report.scale_ticks import inner_ticks, number_label

RED = Image.fromarray(np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8))
DRAWING = Drawing(
    60,
    40,
    'a "drawing" of <b>',
    (
        Picture(10, 5, 20, 10, RED),
        Line((0, 30), (60, 30), "#00ff00"),
        Dot(50, 10, 4, "#0000ff"),
        Text(4, 36, "−5 < x", "start", "#ffffff"),
    ),
)


def test_svg_holds_the_parts_and_escapes_words() -> None:
    root = ElementTree.fromstring(svg(DRAWING))
    assert root.attrib["viewBox"] == "0 0 60 40" and root.attrib["aria-label"] == 'a "drawing" of <b>'
    image, line, circle, text = root
    assert text.text == "−5 < x" and text.attrib["text-anchor"] == "start"
    assert (line.attrib["x2"], circle.attrib["cx"]) == ("60.0", "50.0")
    shown = Image.open(
        io.BytesIO(base64.b64decode(image.attrib["href"].removeprefix("data:image/png;base64,")))
    )
    assert shown.size == (2, 1) and image.attrib["class"] == "pixels"


def test_shaded_pictures_keep_what_is_transparent() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[16:48, 16:48] = (200, 100, 50, 255)
    picture = Picture(0, 0, 64, 64, Image.fromarray(pixels), smooth=True)
    image = ElementTree.fromstring(svg(Drawing(64, 64, "", (picture,))))[0]
    data = base64.b64decode(image.attrib["href"].removeprefix("data:image/webp;base64,"))
    back = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)
    assert np.array_equal(back[..., 3], pixels[..., 3])
    assert np.abs(back[20:44, 20:44, :3] - (200, 100, 50)).max() < 12


def test_pixels_lie_where_the_parts_do() -> None:
    sheet = np.asarray(raster(DRAWING, 2)).astype(int)
    assert sheet.shape == (80, 120, 3)
    assert (sheet[12:28, 22:38] == (255, 0, 0)).all() and (sheet[12:28, 42:58] == (11, 13, 15)).all()
    assert (sheet[60, 5:115] == (0, 255, 0)).all() and (sheet[20, 100] == (0, 0, 255)).all()
    assert (sheet[66:78, 6:40] > 200).all(-1).any() and (sheet[66:78, 90:] == (11, 13, 15)).all()


def test_ticks_are_inside_and_have_room() -> None:
    assert inner_ticks(-62, 62, 150) == [-50, 0, 50] and inner_ticks(5, 46, 100) == [20, 40]
    assert inner_ticks(0.13, 0.91, 80) == pytest.approx([0.2, 0.8])  # a step of 0.5 would leave one
    assert inner_ticks(-2, 66, 20) == [] and inner_ticks(-1.5, 1.5, 3) == []
    for low, high, length in ((0.13, 0.91, 50.0), (-1234.0, 4321.0, 300.0), (99.0, 101.5, 60.0)):
        ticks = inner_ticks(low, high, length)
        assert len(ticks) > 1 and low <= ticks[0] and ticks[-1] <= high
        assert (ticks[1] - ticks[0]) * length / (high - low) >= 27
    assert [number_label(value) for value in (-20.0, 0.0, 2.5, -0.125)] == ["−20", "0", "2.5", "−0.125"]
