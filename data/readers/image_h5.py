"""Read an image written by ``write_image_h5``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry
from proxflow.data.readers.geometry_h5 import read_geometry
from proxflow.data.readers.hdf5_file import open_hdf5, own_dataset, reading, top_level


@dataclass(frozen=True)
class StoredImage:
    """An image (item, y, x) with its geometry, one label per item, and the writer's attributes."""

    image: NDArray[np.inexact]
    geometry: Geometry
    labels: tuple[str, ...]
    attributes: Mapping[str, str | int | float]


def read_image_h5(path: str | Path, *, companion: str | None = None) -> StoredImage:
    """The image file at ``path``, or the map ``companion`` beside its image in the image's place.

    Raises ScanError if the file is missing, damaged or of another kind, or has no such map.
    """
    path = Path(path)
    if not path.is_file():
        raise ScanError(f"{path} must be an existing image file, got none there")
    with open_hdf5(path) as file:
        if file.attrs.get("proxflow_format") != "image" or "image" not in file or "labels" not in file:
            raise ScanError(f"{path} must be a Proxflow image, got an HDF5 file with {top_level(file)}")
        name = "image" if companion is None else f"maps/{companion}"
        group = file.get("maps")
        held = list(group) if isinstance(group, h5py.Group) else []
        if companion is not None and companion not in held:
            got = f"one with {', '.join(held)}" if held else "one without maps"
            raise ScanError(f"{path} must hold a map {companion}, got {got}")
        dataset = own_dataset(file, path, name)
        if dataset.ndim != 3 or dataset.dtype.kind not in "fc":
            raise ScanError(
                f"{path.name}: {name} must be (item, y, x) numbers, got {dataset.dtype} {dataset.shape}"
            )
        with reading(path, name):
            image = dataset[:]
            labels = tuple(own_dataset(file, path, "labels").asstr()[:])
            names = list(file["attributes"]) if "attributes" in file else []
            values = {name: own_dataset(file, path, f"attributes/{name}")[()] for name in names}
        geometry = read_geometry(file, path, len(image), image.shape[1:])
    attributes = {name: v.decode() if isinstance(v, bytes) else v.item() for name, v in values.items()}
    return StoredImage(image, geometry, labels, attributes)
