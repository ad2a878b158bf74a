"""Scenes and what methods make of them, as maximum-intensity projections beside each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from proxflow.tasks.report.volume_views import volume_views

VOXEL_MM = (6.25, 12.5, 12.5)  # (z, y, x) of the simulated volume
ZOOM, GAP, HEAD = 3, 4, 18  # pixels per pixel; between views; for a name
INK, PAPER = 235, 24
FLOOR_DB = -30.0


def sheet(volumes: Mapping[str, np.ndarray], *, decibels: bool = False) -> Image.Image:
    """One column for each magnitude (z, y, x) with a peak of 1: maxima along z, y and x, from top to bottom.

    Grey is linear from 0 to 1, or from -30 to 0 dB.
    """
    columns = {name: volume_views(volume, VOXEL_MM)[0] for name, volume in volumes.items()}
    side = ZOOM * next(iter(columns.values())).shape[-1] + GAP
    picture = Image.new("L", (GAP + side * len(columns), HEAD + 3 * side), PAPER)
    draw = ImageDraw.Draw(picture)
    for i, (name, views) in enumerate(columns.items()):
        draw.text((GAP + i * side, 2), name, INK, ImageFont.load_default(12))
        for j, view in enumerate(views):
            tile = Image.fromarray(_grey(view, decibels)).resize(
                (side - GAP, side - GAP), Image.Resampling.NEAREST
            )
            picture.paste(tile, (GAP + i * side, HEAD + j * side))
    return picture


def _grey(view: np.ndarray, decibels: bool) -> np.ndarray:
    if decibels:
        view = 1 - 20 * np.log10(np.maximum(view, 10 ** (FLOOR_DB / 20))) / FLOOR_DB
    grey: np.ndarray = (255 * np.clip(view, 0, 1)).round().astype(np.uint8)
    return grey
