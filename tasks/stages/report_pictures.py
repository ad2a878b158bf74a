"""Which planes of the images a report shows, read from the artefacts one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact
from proxflow.tasks.report.volume_views import volume_views
from proxflow.tasks.report.window import shown_items
from proxflow.tasks.stages.documents import centre_crop

MOST_VOLUMES = 4


class Shown(NamedTuple):
    """Picture k shows a plane, or all planes, of item ``items[k]``; ``planes`` are rows of the image."""

    items: tuple[int, ...]
    labels: tuple[str, ...]
    planes: tuple[int, ...]
    per_volume: int  # planes of a volume shown by its projections; 0 where planes are shown


def choose_shown(
    labels: list[str], planes: int, matrix: tuple[int, int], n_methods: int, has_reference: bool, whole: bool
) -> Shown:
    """Planes evenly spread over all items; or every item's three projections if ``whole``."""
    if whole and planes > 1:
        items = shown_items(len(labels), planes, 3 * max(matrix), n_methods, has_reference)[:MOST_VOLUMES]
        return Shown(tuple(items), tuple(labels[item] for item in items), (), planes)
    chosen = shown_items(len(labels) * planes, *matrix, n_methods, has_reference)
    items = [plane // planes for plane in chosen]
    names = [
        labels[item] if planes == 1 else f"{labels[item]}, plane {plane % planes}"
        for item, plane in zip(items, chosen, strict=True)
    ]
    return Shown(tuple(items), tuple(names), tuple(chosen), 0)


def shown_planes(artefact: Artefact, name: str, shown: Shown, matrix: tuple[int, int]) -> np.ndarray:
    """(picture, y, x) of the array ``name`` (plane, y, x), at the intended image matrix."""
    rows = [centre_crop(artefact.rows(name, plane, plane + 1), matrix) for plane in shown.planes]
    return np.concatenate(rows)


def projected(
    artefact: Artefact, shown: Shown, geometry: Geometry
) -> tuple[np.ndarray, tuple[int, ...], tuple[str, ...]]:
    """Maxima of the magnitude along each axis, (picture, n, n); the item and the label of each."""
    pictures, items, labels = [], [], []
    voxel = geometry.voxel_size_mm or (1.0, 1.0, 1.0)
    for item, label in zip(shown.items, shown.labels, strict=True):
        start = item * shown.per_volume
        volume = np.abs(artefact.rows("image", start, start + shown.per_volume))
        views, names = volume_views(volume, voxel)
        pictures.append(views)
        items += [item] * len(names)
        labels += [name if len(shown.items) == 1 else f"{label}, {name}" for name in names]
    return np.concatenate(pictures), tuple(items), tuple(labels)
