"""What each image of a stored array (plane, y, x) is called."""

from __future__ import annotations

from collections.abc import Sequence


def image_labels(labels: Sequence[str], planes: int, *, series: bool) -> list[str]:
    """A label for every plane of every item: slices of a volume, or frames of a series."""
    if planes == 1 and not series:
        return list(labels)
    return [f"{label}, {plane_text(k, planes, series=series)}" for label in labels for k in range(planes)]


def plane_text(plane: int, planes: int, *, series: bool) -> str:
    """``plane 3``, counted from 0, or ``frame 4 of 64``, from 1."""
    return f"frame {plane + 1} of {planes}" if series else f"plane {plane}"
