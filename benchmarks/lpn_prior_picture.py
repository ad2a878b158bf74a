"""The picture of `lpn_prior_study`: R over what is done to slices, and one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.curve_panels import Curve, Panel, Parts, panel_parts, range_of
from benchmarks.prior_study_images import Images
from proxflow.tasks.report.drawing import INK, MARK, QUIET, Drawing, Picture, Text
from proxflow.tasks.report.pictures import grey

WIDTH, HEIGHT, LEFT, TOP, GAP = 250.0, 200.0, 44.0, 30.0, 50.0  # units of the drawing
TILE, ROW, BELOW = 48.0, 92.0, 44.0  # a picture's side, where its row begins, and what lies under it


class Found(NamedTuple):
    """float64 (n,), of one level; value: R above the least of all, NaN where it is not known."""

    value: Tensor
    residual: Tensor
    reach: Tensor


Values = Mapping[str, Mapping[float, Found]]


def study_drawing(images: Images, values: Values) -> Drawing:
    """A panel for each kind: R of every slice, faint, and their mean where all are known; below, the first
    slice at each level (magnitudes, 0 to 1) with its R, or a question mark where it is not known."""
    by_kind = {
        kind: torch.stack([found.value for found in levels.values()], 1) for kind, levels in values.items()
    }
    of_slices = {kind: _curves(list(values[kind]), found) for kind, found in by_kind.items()}
    common = range_of([curve for curves in of_slices.values() for curve in curves])
    parts: Parts = []
    for i, (kind, curves) in enumerate(of_slices.items()):
        levels = list(values[kind])
        left = LEFT + i * (WIDTH + GAP)
        panel = Panel(left, TOP, WIDTH, HEIGHT, (levels[0], levels[-1]), common)
        title = "R above the least, slices and mean" if i == 0 else ""
        parts += panel_parts(panel, curves, title, kind)
        tiles = zip(levels, images[kind].values(), by_kind[kind][0].tolist(), strict=True)
        for k, (level, image, value) in enumerate(tiles):
            place = left + k * (WIDTH - TILE) / (len(levels) - 1)
            top = TOP + HEIGHT + ROW - TILE
            shown = grey(_magnitude(image[0]).numpy(), 1.0)
            told = f"{value:.1f}" if math.isfinite(value) else "?"
            parts.append(Picture(place, top, TILE, TILE, shown))
            parts.append(Text(place + TILE / 2, top + TILE + 10, f"{level:g}"))
            parts.append(Text(place + TILE / 2, top + TILE + 26, told, "middle", INK))
    width = LEFT + len(values) * (WIDTH + GAP) - GAP + 14
    return Drawing(width, TOP + HEIGHT + ROW + BELOW, "what a learned prior says of images", tuple(parts))


def _curves(levels: list[float], found: Tensor) -> list[Curve]:
    """Of (n, levels): every slice, then the mean, NaN where one is not known."""
    curves = [Curve("a slice", levels, row, QUIET) for row in found.tolist()]
    return [*curves, Curve("mean", levels, found.mean(0).tolist(), MARK, dots=True)]


def _magnitude(image: Tensor) -> Tensor:
    """(y, x) of (channels, y, x); of one channel the value itself."""
    return image[0] if len(image) == 1 else torch.linalg.vector_norm(image, dim=0)
