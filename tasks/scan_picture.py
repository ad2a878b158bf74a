"""A scan as one PNG: image, k-space and sampling mask side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from proxflow.data.writers.atomic import atomic_path
from proxflow.tasks.scan_summary import ScanSummary
from proxflow.tasks.terminal_picture import to_grey

HEIGHT = 384  # pixels of each panel
GAP, CAPTION = 12, 22
DECADES = 4.0  # of k-space magnitude shown, from the peak down


def write_scan_picture(path: Path, summary: ScanSummary) -> None:
    """Write the root-sum-of-squares image, the k-space magnitude (logarithmic) and the mask to ``path``."""
    panels = [
        (f"image, item {summary.item}", to_grey(summary.image), _pixel_aspect(summary)),
        (f"|k-space|, {DECADES:g} decades", _log_grey(summary.spectrum), 1.0),
        (f"sampled, R = {summary.acceleration:.3g}", summary.mask.astype(np.uint8) * 255, 1.0),
    ]
    pictures = [_resized(grey, aspect) for _, grey, aspect in panels]
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) + 1)
    page = Image.new("L", (width, HEIGHT + CAPTION + 2 * GAP), 24)
    draw, left = ImageDraw.Draw(page), GAP
    for (caption, _, _), picture in zip(panels, pictures, strict=True):
        draw.text((left, GAP), caption, fill=220)
        page.paste(picture, (left, GAP + CAPTION))
        left += picture.width + GAP
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG")


def _pixel_aspect(summary: ScanSummary) -> float:
    voxel = summary.info.geometry.voxel_size_mm
    return voxel[1] / voxel[2] if voxel else 1.0


def _log_grey(magnitude: NDArray[np.float32]) -> NDArray[np.uint8]:
    floor = magnitude.max() * 10**-DECADES
    decades = np.log10(np.maximum(magnitude, floor) / floor) / DECADES
    return np.round(decades * 255).astype(np.uint8)


def _resized(grey: NDArray[np.uint8], aspect: float) -> Image.Image:
    width = max(1, round(HEIGHT * grey.shape[1] / (grey.shape[0] * aspect)))
    return Image.fromarray(grey).resize((width, HEIGHT), Image.Resampling.BILINEAR)
