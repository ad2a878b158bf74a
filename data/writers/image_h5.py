"""Write a reconstructed image as HDF5 (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry
from proxflow.data.writers.dataset_h5 import atomic_h5, write_dataset, write_geometry
from proxflow.data.writers.image_stack import check_image

FORMAT_VERSION = 1


def write_image_h5(
    path: str | Path,
    image: NDArray,
    *,
    geometry: Geometry,
    labels: Sequence[str] = (),
    attributes: Mapping[str, str | int | float] | None = None,
) -> Path:
    """Write image (item, y, x), real or complex, any unit, exactly as it is; return ``path``.

    ``attributes`` (method, recipe, versions, ...) are kept as scalars of any length. Raises ScanError
    if the image is not (item, y, x) or its items do not fit ``geometry`` or ``labels``.
    """
    path = Path(path)
    image = check_image(image, geometry)
    with atomic_h5(path) as file:
        file.attrs.update(proxflow_format="image", format_version=FORMAT_VERSION)
        chunks = (1, *image.shape[1:])
        write_dataset(file, "image", image, "item, y, x", "arbitrary", chunks=chunks, fletcher32=True)
        names = list(labels) or [f"item {i}" for i in range(len(image))]
        write_dataset(file, "labels", np.array(names, dtype=h5py.string_dtype()), "item", "")
        write_geometry(file, geometry)
        file.create_group("attributes")
        for name, value in (attributes or {}).items():
            # Datasets, since an HDF5 attribute ends at 64 KiB and a recipe with provenance may not.
            write_dataset(file, f"attributes/{name}", np.array(value, dtype=_scalar_dtype(value)), "", "")
    return path


def _scalar_dtype(value: str | int | float) -> np.dtype:
    return h5py.string_dtype() if isinstance(value, str) else np.asarray(value).dtype
