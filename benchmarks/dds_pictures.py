"""A reference, what methods make of it, and their errors, beside each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ERRORS = 5  # times brighter than the images
BRIGHT = 0.998  # quantile of the reference that is white
LEAST, GAP, HEAD = 256, 4, 32  # pixels of a tile's side; between tiles; for two lines of a name
INK, PAPER = 235, 24


def sheet(reference: np.ndarray, images: Mapping[str, np.ndarray]) -> Image.Image:
    """Magnitudes, or values of real images, in the upper row, |x| - |reference| or its counterpart, times 5,
    in the lower, 0 grey. (item, y, x); of volumes the middle slice, and below both the middle row of each.
    """
    white = float(np.quantile(np.abs(reference), BRIGHT)) or 1.0
    columns = {"reference": _tiles(reference, reference, white)}
    columns |= {name: _tiles(image, reference, white) for name, image in images.items()}
    width = max(tile.width for tiles in columns.values() for tile in tiles) + GAP
    heights = [tile.height + GAP for tile in next(iter(columns.values()))]
    picture = Image.new("L", (GAP + width * len(columns), HEAD + sum(heights)), PAPER)
    draw = ImageDraw.Draw(picture)
    for i, (name, tiles) in enumerate(columns.items()):
        left, top = GAP + i * width, HEAD
        draw.multiline_text(
            (left, 2), name.replace(", ", "\n", 1), INK, ImageFont.load_default(12), spacing=1
        )
        for tile, height in zip(tiles, heights, strict=True):
            picture.paste(tile, (left, top))
            top += height
    return picture


def _tiles(image: np.ndarray, reference: np.ndarray, white: float) -> list[Image.Image]:
    if np.iscomplexobj(reference):
        image, reference = np.abs(image), np.abs(reference)
    error = ERRORS * (image - reference)
    tiles = []
    for view in (_slice, _rows) if len(reference) > 1 else (_slice,):
        tiles += [_tile(view(image) / white), _tile(0.5 + view(error) / (2 * white))]
    return tiles


def _slice(volume: np.ndarray) -> np.ndarray:
    middle: np.ndarray = volume[len(volume) // 2]
    return middle


def _rows(volume: np.ndarray) -> np.ndarray:
    rows: np.ndarray = volume[:, volume.shape[1] // 2]
    return rows


def _tile(values: np.ndarray) -> Image.Image:
    grey = Image.fromarray((255 * np.clip(values, 0, 1)).round().astype(np.uint8))
    zoom = -(-LEAST // grey.width)
    return grey.resize((zoom * grey.width, zoom * grey.height), Image.Resampling.NEAREST)
