"""All methods of a run side by side, moving: an animated WebP, and one frame of it as a still."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.pictures import grey
from proxflow.tasks.report.series import Moving, Series
from proxflow.tasks.report.series_window import series_window

MOST_BYTES = 1_000_000  # of the animation: 1.33 MB as text in the page
QUALITIES = (82, 65, 45, 25)  # of WebP, tried in turn; then every other frame is left out
MOST_COLUMNS = 4  # tiles side by side, so that they can be told apart on a narrow screen
LEAST_TILE = 176  # pixels, so that its label can be read
WIDE = 800  # pixels of all columns together
LABEL, FOOT, GAP = 22, 28, 4  # pixels above each tile, below all, and between tiles
LOOP_SECONDS, FASTEST, SLOWEST = 5.0, 0.06, 0.4  # per loop, and per frame
PAPER, INK, MUTED, BAR = (11, 13, 15), (226, 230, 233), (160, 170, 178), (107, 184, 232)


def tile_side(n_tiles: int) -> int:
    """Most pixels along a side of a frame in the animation."""
    return max(LEAST_TILE, WIDE // _columns(n_tiles))


def animation(inputs: ReportInputs) -> bytes | None:
    """The series as an animated WebP of about 1 MB at most, all frames at one window, in an endless loop.

    None for a run without a series.
    """
    if inputs.series is None:
        return None
    series = inputs.series
    frames = [_frame(inputs, series, k) for k in range(len(series.moving))]
    while True:
        for quality in QUALITIES:
            content = _webp(frames, quality)
            if len(content) <= MOST_BYTES:
                return content
        if len(frames) == 1:
            return content
        frames = frames[::2]


def still(inputs: ReportInputs, series: Series) -> Image.Image:
    """The middle frame of ``animation``."""
    return _frame(inputs, series, len(series.moving) // 2)


def webp_uri(content: bytes) -> str:
    """An animation as a ``data:`` address."""
    return "data:image/webp;base64," + base64.b64encode(content).decode("ascii")


def _webp(frames: Sequence[Image.Image], quality: int) -> bytes:
    seconds = min(SLOWEST, max(FASTEST, LOOP_SECONDS / len(frames)))
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "webp",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 * seconds),
        loop=0,
        quality=quality,
        method=2,
    )
    return buffer.getvalue()


def _columns(n_tiles: int) -> int:
    return math.ceil(n_tiles / math.ceil(n_tiles / MOST_COLUMNS))


def _frame(inputs: ReportInputs, series: Series, k: int) -> Image.Image:
    """Every tile at one moment, its name above it; the number of the frame and a bar below."""
    tiles: list[tuple[str, Moving]] = [] if series.reference is None else [("reference", series.reference)]
    tiles += [(method.name, shown) for method, shown in zip(inputs.methods, series.methods, strict=True)]
    upper, n_columns = series_window(series).upper, _columns(len(tiles))
    width, height = _tile_size(series, inputs.aspect)
    n_rows = -(-len(tiles) // n_columns)
    size = n_columns * (width + GAP) - GAP, n_rows * (LABEL + height + GAP) + FOOT
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (name, shown) in enumerate(tiles):
        left, top = index % n_columns * (width + GAP), index // n_columns * (LABEL + height + GAP)
        draw.text((left + 2, top + 3), _fitting(name, width - 4), INK, _font())
        picture = grey(shown.moving[k], upper).resize((width, height), Image.Resampling.BICUBIC)
        sheet.paste(picture.convert("RGB"), (left, top + LABEL))
    number = series.moving[k] + 1
    draw.text((2, size[1] - FOOT + 4), f"frame {number} of {series.n_frames}", MUTED, _font())
    done = round(size[0] * number / series.n_frames)
    draw.rectangle((0, size[1] - 2, done, size[1]), BAR)
    return sheet


def _tile_size(series: Series, aspect: float) -> tuple[int, int]:
    """Width and height of a tile, of the object's own proportions; small frames are enlarged."""
    _, ny, nx = series.methods[0].moving.shape
    side = max(LEAST_TILE, ny, nx)
    return (side, max(1, round(side / aspect))) if aspect >= 1 else (max(1, round(side * aspect)), side)


@lru_cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(14)


def _fitting(name: str, width: int) -> str:
    """``name``, cut where it would leave its tile."""
    while name and _font().getlength(name) > width:
        name = name[:-1]
    return name
