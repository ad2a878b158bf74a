"""Read the geometry group of our own HDF5 files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry
from proxflow.data.readers.hdf5_file import own_dataset, read_all
from proxflow.data.validate import check_field_of_view


def read_geometry(file: h5py.File, path: Path, n_items: int, plane: tuple[int, int]) -> Geometry:
    """The geometry of ``n_items`` items; ``plane`` is the (y, x) matrix where the file names none.

    Raises ScanError if an entry has the wrong shape.
    """
    found = {}
    expected = {"matrix": (2,), "slices": (n_items,), "field_of_view": (3,), "affine": (4, 4)}
    for name, size in expected.items():
        full = f"geometry/{name}"
        if full not in file:
            continue
        dataset = own_dataset(file, path, full)
        if dataset.shape != size:
            raise ScanError(f"{path.name}: {full} must have shape {size}, got {dataset.shape}")
        if dataset.dtype.kind not in ("iu" if name in ("matrix", "slices") else "f"):
            raise ScanError(f"{path.name}: {full} must hold numbers of its kind, got {dataset.dtype}")
        found[name] = read_all(path, dataset).tolist()
    matrix = tuple(found.get("matrix", plane))
    if not all(0 < m <= n for m, n in zip(matrix, plane, strict=True)):
        raise ScanError(f"{path.name}: geometry/matrix must be within {plane}, got {matrix}")
    if "field_of_view" in found:
        check_field_of_view(path, found["field_of_view"])
    if not np.isfinite(found.get("affine", 0.0)).all():
        raise ScanError(f"{path.name}: geometry/affine must be finite, got NaN or Inf values")
    return Geometry(
        matrix=(matrix[0], matrix[1]),
        slices=tuple(found.get("slices", range(n_items))),
        field_of_view_mm=tuple(found["field_of_view"]) if "field_of_view" in found else None,
        affine=tuple(tuple(row) for row in found["affine"]) if "affine" in found else None,
    )
