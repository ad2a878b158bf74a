"""Write a reconstructed image as HDF5 (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry
from proxflow.data.writers.dataset_h5 import atomic_h5, write_dataset, write_geometry
from proxflow.data.writers.image_stack import check_finite, check_stack

FORMAT_VERSION = 1


class ImageRows(Protocol):
    """An array (item, y, x) that hands out one item at a time, so that it need not sit in memory."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __getitem__(self, item: int) -> NDArray: ...


def write_image_h5(
    path: str | Path,
    image: NDArray | ImageRows,
    *,
    geometry: Geometry,
    labels: Sequence[str] = (),
    attributes: Mapping[str, str | int | float] | None = None,
    maps: Mapping[str, tuple[NDArray | ImageRows, str]] | None = None,
) -> Path:
    """Write image (item, y, x), real or complex, any unit, exactly as it is, item by item; return ``path``.

    ``attributes`` (method, recipe, versions, ...) are kept as scalars of any length; ``maps``, by name real
    companions (item, y, x) with what they are, beside the image. Raises ScanError if the image is not
    (item, y, x), its items do not fit ``geometry`` or ``labels``, or a map has another shape.
    """
    path = Path(path)
    check_stack(image.shape, image.dtype, geometry)
    n_items = image.shape[0]
    for name, (values, _) in (maps or {}).items():
        if values.shape != image.shape or values.dtype.kind != "f":
            raise ScanError(
                f"map {name} must be real of shape {image.shape}, got {values.dtype} {values.shape}"
            )
    with atomic_h5(path) as file:
        file.attrs.update(proxflow_format="image", format_version=FORMAT_VERSION)
        _write_stack(file, "image", image)
        for name, (values, text) in (maps or {}).items():
            _write_stack(file, f"maps/{name}", values).attrs["description"] = text
        names = list(labels) or [f"item {i}" for i in range(n_items)]
        write_dataset(file, "labels", np.array(names, dtype=h5py.string_dtype()), "item", "")
        write_geometry(file, geometry)
        file.create_group("attributes")
        for name, value in (attributes or {}).items():
            # Datasets, since an HDF5 attribute ends at 64 KiB and a recipe with provenance may not.
            write_dataset(file, f"attributes/{name}", np.array(value, dtype=_scalar_dtype(value)), "", "")
    return path


def _write_stack(file: h5py.File, name: str, image: NDArray | ImageRows) -> h5py.Dataset:
    stored = file.create_dataset(
        name,
        shape=image.shape,
        dtype=image.dtype,
        chunks=(1, *image.shape[1:]),
        fletcher32=True,
        track_times=False,
    )
    stored.attrs.update(axes="item, y, x", units="arbitrary")
    for item in range(image.shape[0]):
        stored[item] = check_finite(image[item])
    return stored


def _scalar_dtype(value: str | int | float) -> np.dtype:
    return h5py.string_dtype() if isinstance(value, str) else np.asarray(value).dtype
