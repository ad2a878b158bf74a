"""Which planes of the images a report shows, read from the artefacts one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact
from proxflow.tasks.modalities.base import Modality
from proxflow.tasks.report.image_labels import image_labels, plane_text
from proxflow.tasks.report.series import spread
from proxflow.tasks.report.volume_views import LABELS, volume_views
from proxflow.tasks.report.window import shown_items
from proxflow.tasks.stages.documents import centre_crop

MOST_VOLUMES = 4
MOST_FRAMES = 8  # of series: the film strip has as many more


class Shown(NamedTuple):
    """Picture k shows a plane, or all planes, of item ``items[k]``; ``planes`` are rows of the image.

    ``frames`` are those of the planes of a series within their items, from 0; else it is empty.
    """

    items: tuple[int, ...]
    labels: tuple[str, ...]
    planes: tuple[int, ...]
    per_volume: int  # planes of a volume shown by its projections; 0 where planes are shown
    frames: tuple[int, ...] = ()


def choose_shown(
    labels: list[str],
    planes: int,
    matrix: tuple[int, int],
    n_images: int,
    has_reference: bool,
    kind: Modality,
) -> Shown:
    """Planes evenly spread over all items; or every item's three projections where the kind shows these.

    n_images: of the methods, and the maps beside them.
    """
    if kind.projections and planes > 1:
        items = shown_items(len(labels), planes, 3 * max(matrix), n_images, has_reference)[:MOST_VOLUMES]
        return Shown(tuple(items), tuple(labels[item] for item in items), (), planes)
    inner = planes > 1 and not kind.series
    chosen = shown_items(len(labels) * planes, *matrix, n_images, has_reference, inner=inner)
    if kind.series:
        chosen = list(spread(len(labels) * planes, min(len(chosen), MOST_FRAMES)))
    of_item = tuple(plane // planes for plane in chosen)
    names = image_labels(labels, planes, series=kind.series)
    if kind.series and len(labels) == 1:
        names = [plane_text(k, planes, series=True) for k in range(planes)]
    frames = tuple(plane % planes for plane in chosen) if kind.series else ()
    return Shown(of_item, tuple(names[plane] for plane in chosen), tuple(chosen), 0, frames)


def shown_planes(artefact: Artefact, name: str, shown: Shown, matrix: tuple[int, int]) -> np.ndarray:
    """(picture, y, x) of the array ``name`` (plane, y, x), at the intended image matrix."""
    rows = [centre_crop(artefact.rows(name, plane, plane + 1), matrix) for plane in shown.planes]
    return np.concatenate(rows)


def pictures_of(artefact: Artefact, name: str, shown: Shown, geometry: Geometry) -> np.ndarray:
    """What ``shown`` says of the array ``name``: its planes, or the maxima of its magnitude along each axis,
    (picture, n, n)."""
    if not shown.per_volume:
        return shown_planes(artefact, name, shown, geometry.matrix)
    voxel = geometry.voxel_size_mm or (1.0, 1.0, 1.0)
    volumes = (volume_of(artefact, name, item, shown.per_volume) for item in shown.items)
    return np.concatenate([volume_views(volume, voxel)[0] for volume in volumes])


def picture_names(shown: Shown) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The item and the label of every picture of ``pictures_of``."""
    if not shown.per_volume:
        return shown.items, shown.labels
    items = tuple(item for item in shown.items for _ in LABELS)
    labels = tuple(
        view if len(shown.items) == 1 else f"{label}, {view}" for label in shown.labels for view in LABELS
    )
    return items, labels


def volume_of(artefact: Artefact, name: str, item: int, planes: int) -> np.ndarray:
    """Magnitudes (z, y, x) of one item of the array ``name``."""
    return np.asarray(np.abs(artefact.rows(name, item * planes, (item + 1) * planes)))
