"""What all modalities of our own HDF5 measurement form share (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import own_dataset, reading, top_level
from proxflow.data.scan import AXES, ScanInfo
from proxflow.data.validate import check_images, check_noise, check_one_per_item

NEWEST_VERSION = 1


def is_measurement(file: h5py.File) -> bool:
    """Whether the open file says it is one of our measurements, of any modality."""
    return measurement_modality(file) is not None


def measurement_modality(file: h5py.File) -> str | None:
    """The modality of one of our measurements, None if the file is none."""
    if file.attrs.get("proxflow_format") != "measurement":
        return None
    return str(file.attrs.get("modality"))


def check_measurement(file: h5py.File, path: Path, modality: str, required: Sequence[str]) -> None:
    """Raise ScanError unless the file is a measurement of ``modality`` with the datasets ``required``.

    Links are refused wherever they stand: they have no place in a measurement.
    """
    found = measurement_modality(file)
    if found is None:
        raise ScanError(f"{path} must be a Proxflow measurement, got an HDF5 file with {top_level(file)}")
    version = file.attrs.get("format_version")
    if not isinstance(version, int | np.integer) or not 1 <= version <= NEWEST_VERSION:
        raise ScanError(f"{path.name}: format_version must be at most {NEWEST_VERSION}, got {version}")
    if found not in AXES:
        raise ScanError(f"{path.name}: modality must be one of {', '.join(AXES)}, got {found}")
    if found != modality:
        raise ScanError(f"{path.name}: modality must be {modality}, got {found}")
    for key in file:
        if not isinstance(file.get(key, getlink=True), h5py.HardLink):
            raise ScanError(f"{path.name}: {key} must be stored in the file itself, got a link")
    for name in required:
        if name not in file:
            raise ScanError(f"{path.name} must hold the dataset {name}, got {top_level(file)}")


def read_labels(file: h5py.File, path: Path, n_items: int) -> tuple[str, ...]:
    """``labels``, one per item; raises ScanError if there are more or fewer."""
    with reading(path, "labels"):
        labels = tuple(own_dataset(file, path, "labels").asstr()[:])
    check_one_per_item(path, "labels", labels, n_items)
    return labels


def check_companions(file: h5py.File, path: Path, shape: Sequence[int]) -> None:
    """Raise ScanError unless noise and reference, where an MRI scan (item, coil, ...) has them, fit it."""
    if "noise" in file:
        noise = own_dataset(file, path, "noise")
        check_noise(path, noise.shape, noise.dtype, shape[1])
    if "reference" in file:
        check_images(path, "reference", own_dataset(file, path, "reference").shape, shape[0])


def read_source(file: h5py.File) -> dict[str, str]:
    """The texts of the group ``source``."""
    attributes = file["source"].attrs.items() if "source" in file else ()
    return {name: str(text) for name, text in attributes}


def own_scan_info(file: h5py.File, path: Path, samples: h5py.Dataset, **more: Any) -> ScanInfo:
    """What every file of our own schema tells of itself, and ``more`` of its kind."""
    return ScanInfo(
        path=path,
        format="proxflow",
        shape=samples.shape,
        dtype=str(samples.dtype),
        labels=read_labels(file, path, samples.shape[0]),
        file_bytes=path.stat().st_size,
        source=read_source(file),
        **more,
    )
