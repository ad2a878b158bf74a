"""Lengths and angles with the ``units`` attribute of an HDF5 dataset honoured."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import own_dataset, reading
from proxflow.data.validate_angles import AngleUnit

# Both micro signs of Unicode, U+00B5 and U+03BC.
MM_PER_UNIT = {
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e1),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1.0),
    **dict.fromkeys(("um", "\u00b5m", "\u03bcm", "micron", "microns", "micrometer", "micrometre"), 1e-3),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-6),
}
ANGLE_UNITS: dict[str, AngleUnit] = {
    **dict.fromkeys(("deg", "degree", "degrees", "degs", "°"), "deg"),
    **dict.fromkeys(("rad", "radian", "radians", "rads"), "rad"),
}


def stated_unit(dataset: h5py.Dataset) -> str | None:
    """The attribute ``units`` (or ``unit``) as text in lower case, None if absent or empty."""
    value = dataset.attrs.get("units", dataset.attrs.get("unit"))
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    text = "" if value is None else str(value).strip().lower()
    return text or None


def length_mm(file: h5py.File, path: Path, name: str, default: str) -> float | None:
    """Scalar dataset ``name`` in mm, None if absent; ``default`` is the unit of one that states none."""
    if name not in file:
        return None
    dataset = own_dataset(file, path, name)
    unit = stated_unit(dataset) or default
    if unit not in MM_PER_UNIT:
        raise ScanError(f"{path.name}: units of {name} must be m, cm, mm, um or nm, got {unit}")
    if dataset.dtype.kind not in "fiu" or dataset.size != 1:
        raise ScanError(
            f"{path.name}: {name} must be one number, got {dataset.dtype} of shape {dataset.shape}"
        )
    with reading(path, name):
        return float(np.asarray(dataset[()]).item()) * MM_PER_UNIT[unit]


def angle_unit(path: Path, dataset: h5py.Dataset) -> AngleUnit:
    """The unit an angle dataset states; raises ScanError for one that is none of angles."""
    unit = stated_unit(dataset)
    if unit is None:
        return "unstated"
    if unit not in ANGLE_UNITS:
        raise ScanError(
            f"{path.name}: units of {(dataset.name or '').lstrip('/')} must be degrees or radians, got {unit}"
        )
    return ANGLE_UNITS[unit]
