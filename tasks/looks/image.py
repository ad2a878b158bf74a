"""A look at still pictures: size and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.scan import Scan
from proxflow.data.still_picture import StillPicture
from proxflow.tasks.looks.base import Facts, Look, shape_text
from proxflow.tasks.looks.panel import Panel
from proxflow.tasks.terminal_picture import to_grey


@dataclass(frozen=True)
class ImageLook(Look):
    """One picture, float32 (y, x)."""

    picture: NDArray[np.float32]

    def own_facts(self) -> Facts:
        unit = self.info.source.get("units", "")
        low, high = float(self.picture.min()), float(self.picture.max())
        return [
            ("pictures", shape_text(self.info)),
            ("values", f"{low:.4g} to {high:.4g}{' ' if unit else ''}{unit}"),
        ]

    def own_numbers(self) -> dict[str, Any]:
        return {"least": float(self.picture.min()), "largest": float(self.picture.max())}

    def reference_text(self) -> str:
        return "the picture itself, where a recipe blurs it or measures combinations of its pixels"

    def panels(self) -> tuple[Panel, ...]:
        return (Panel(self.info.labels[self.item], to_grey(self.picture - self.picture.min())),)


def look_at_image(scan: Scan, item: int) -> ImageLook:
    """Look at one picture; ScanError if it is unsound."""
    picture = scan.read([item])
    assert isinstance(picture, StillPicture)
    return ImageLook(scan.info, item, picture.samples[0])
