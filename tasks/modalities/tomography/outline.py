"""A segmentation that came with a scan, on the grid of the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proxflow.data.store.artefact import Artefact
from proxflow.tasks.stages.documents import geometry_from_json


def labels_on_grid(prepared: Artefact, items: Sequence[int]) -> np.ndarray:
    """uint8 (len(items), y, x): the labels at each pixel of the image, 0 outside; both grids are centred."""
    scan = prepared.document("scan")
    geometry = geometry_from_json(scan["geometry"])
    labels = np.stack([prepared.rows("labels_image", item, item + 1)[0] for item in items])
    voxel = geometry.voxel_size_mm
    assert voxel is not None
    for axis, (n, size) in enumerate(zip(geometry.matrix, voxel[1:], strict=True), start=1):
        pixel = scan["image_pixel_mm"] or size
        length = labels.shape[axis]
        place = np.rint((np.arange(n) - (n - 1) / 2) * size / pixel + (length - 1) / 2).astype(int)
        taken = np.take(labels, place.clip(0, length - 1), axis=axis)
        outside = (place < 0) | (place >= length)
        taken[(slice(None),) * axis + (outside,)] = 0
        labels = taken
    return labels
