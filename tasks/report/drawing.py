"""A picture with lines and words on near black, drawn twice: as SVG for the page, as pixels for a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup, escape
from PIL import Image, ImageDraw, ImageFont

from proxflow.tasks.report.pictures import data_uri, photo_uri

PAPER, INK, QUIET, FAINT, MARK = "#0b0d0f", "#dfe4e8", "#a7b1ba", "#4a545d", "#6bb8e8"
FONT = 12  # units of the drawing
PLAIN = str.maketrans({"−": "-"})  # what Pillow's font has not
ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}


@dataclass(frozen=True)
class Picture:
    """``image`` over a rectangle; its pixels stay squares and exact unless ``smooth``."""

    left: float
    top: float
    width: float
    height: float
    image: Image.Image
    smooth: bool = False


@dataclass(frozen=True)
class Line:
    """From ``start`` to ``end``, each (x, y)."""

    start: tuple[float, float]
    end: tuple[float, float]
    colour: str


@dataclass(frozen=True)
class Dot:
    """A disc."""

    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True)
class Text:
    """One line of words, in the middle of its height at ``y``."""

    x: float
    y: float
    text: str
    anchor: str = "middle"
    colour: str = QUIET


@dataclass(frozen=True)
class Drawing:
    """``parts`` from the rear to the front; x runs to the right and y down. ``label`` says it in words."""

    width: float
    height: float
    label: str
    parts: tuple[Picture | Line | Dot | Text, ...]


def svg(drawing: Drawing) -> Markup:
    """The drawing as an SVG that holds its pictures."""
    head = (
        f'<svg class="drawing" viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}" role="img" '
        f'aria-label="{escape(drawing.label)}">'
    )
    return Markup(head + "".join(_element(part) for part in drawing.parts) + "</svg>")


def raster(drawing: Drawing, scale: int = 2) -> Image.Image:
    """RGB, ``scale`` pixels a unit, on the page's near black."""
    size = round(drawing.width * scale), round(drawing.height * scale)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for part in drawing.parts:
        if isinstance(part, Picture):
            _paste(sheet, part, scale)
        elif isinstance(part, Line):
            ends = [coordinate * scale for point in (part.start, part.end) for coordinate in point]
            draw.line(ends, part.colour, scale)
        elif isinstance(part, Dot):
            draw.circle((part.x * scale, part.y * scale), part.radius * scale, part.colour)
        else:
            place = (part.x * scale, part.y * scale)
            draw.text(
                place, part.text.translate(PLAIN), part.colour, _font(FONT * scale), ANCHORS[part.anchor]
            )
    return sheet


def _element(part: Picture | Line | Dot | Text) -> str:
    if isinstance(part, Picture):
        pixels, uri = ("", photo_uri) if part.smooth else (' class="pixels"', data_uri)
        return (
            f'<image{pixels} x="{part.left:.2f}" y="{part.top:.2f}" width="{part.width:.2f}" '
            f'height="{part.height:.2f}" preserveAspectRatio="none" href="{uri(part.image)}"/>'
        )
    if isinstance(part, Line):
        (x1, y1), (x2, y2) = part.start, part.end
        return (
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{part.colour}" stroke-linecap="round"/>'
        )
    if isinstance(part, Dot):
        return f'<circle cx="{part.x:.1f}" cy="{part.y:.1f}" r="{part.radius:g}" fill="{part.colour}"/>'
    baseline = part.y + 0.34 * FONT
    return (
        f'<text x="{part.x:.1f}" y="{baseline:.1f}" text-anchor="{part.anchor}" fill="{part.colour}">'
        f"{escape(part.text)}</text>"
    )


def _paste(sheet: Image.Image, part: Picture, scale: int) -> None:
    left, top = round(part.left * scale), round(part.top * scale)
    right, bottom = round((part.left + part.width) * scale), round((part.top + part.height) * scale)
    filter_ = Image.Resampling.BICUBIC if part.smooth else Image.Resampling.NEAREST
    image = part.image.convert("RGBA").resize((max(1, right - left), max(1, bottom - top)), filter_)
    sheet.paste(image, (left, top), image)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
