"""What all modalities of our own HDF5 measurement form share (docs/file-format.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import own_dataset, reading, top_level

NEWEST_VERSION = 1


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
    if version is None or not 1 <= int(version) <= NEWEST_VERSION:
        raise ScanError(f"{path.name}: format_version must be at most {NEWEST_VERSION}, got {version}")
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
    if len(labels) != n_items:
        raise ScanError(f"{path.name}: labels must name {n_items} items, got {len(labels)}")
    return labels


def read_source(file: h5py.File) -> dict[str, str]:
    """The texts of the group ``source``."""
    attributes = file["source"].attrs.items() if "source" in file else ()
    return {name: str(text) for name, text in attributes}
