"""Slices and surfaces of all volumes as two pictures, for the run's folder."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from proxflow.tasks.report.drawing import INK, PAPER, Drawing, raster
from proxflow.tasks.report.volume_section import VolumeSection

MOST_COLUMNS = 4  # drawings side by side
HEAD = 40  # pixels above each row, for names


def volume_sheets(section: VolumeSection) -> dict[str, Image.Image]:
    """``slices.png``, a drawing of every volume, and ``surfaces.png``, every viewpoint of each, if any."""
    sheets = {"slices.png": _sheet([(view.name, view.slices) for view in section.views])}
    seen = [(view.name, drawing) for view in section.views for drawing in view.renderings]
    return sheets | ({"surfaces.png": _sheet(seen)} if seen else {})


def _sheet(drawings: Sequence[tuple[str, Drawing]]) -> Image.Image:
    """Drawings of one size in rows, the name of each above it."""
    tiles = [(name, raster(drawing)) for name, drawing in drawings]
    width, height = tiles[0][1].size
    n_columns = min(len(tiles), MOST_COLUMNS)
    n_rows = -(-len(tiles) // n_columns)
    sheet = Image.new("RGB", (n_columns * width, n_rows * (height + HEAD)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (name, tile) in enumerate(tiles):
        left, top = index % n_columns * width, index // n_columns * (height + HEAD)
        draw.text((left + 12, top + HEAD // 2), name, INK, ImageFont.load_default(26), "lm")
        sheet.paste(tile, (left, top + HEAD))
    return sheet
