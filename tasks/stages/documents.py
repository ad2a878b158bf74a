"""Geometry and metrics as the JSON documents of artefacts, and images at their intended size."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from proxflow.data.kspace import Geometry


def geometry_to_json(geometry: Geometry) -> dict[str, Any]:
    """A geometry as JSON values."""
    return asdict(geometry)


def geometry_from_json(document: dict[str, Any]) -> Geometry:
    """The inverse of ``geometry_to_json``."""
    extent, affine = document["field_of_view_mm"], document["affine"]
    return Geometry(
        matrix=(document["matrix"][0], document["matrix"][1]),
        field_of_view_mm=None if extent is None else (extent[0], extent[1], extent[2]),
        affine=None if affine is None else tuple((row[0], row[1], row[2], row[3]) for row in affine),
        slices=tuple(document["slices"]),
    )


def centre_crop(images: np.ndarray, matrix: tuple[int, int]) -> np.ndarray:
    """The centre of images (…, y, x), index n // 2 going to m // 2; axes smaller than ``matrix`` stay."""
    for axis, size in zip((-2, -1), matrix, strict=True):
        length = images.shape[axis]
        if size < length:
            start = length // 2 - size // 2
            images = np.take(images, range(start, start + size), axis=axis)
    return images
