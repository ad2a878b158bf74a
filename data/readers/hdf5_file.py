"""HDF5 opened with errors a user can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from proxflow.data.errors import ScanError
from proxflow.data.validate import check_declared_size
from proxflow.data.vetting.vet import vet_hdf5

# What h5py raises on a damaged file, by where the damage lies.
DAMAGE = (
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)


def open_hdf5(path: Path) -> h5py.File:
    """The file opened for reading; ScanError if it is not HDF5, is cut short, or ``vet_hdf5`` refuses it."""
    vet_hdf5(path)
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "truncated" in str(error):
            size = path.stat().st_size
            raise ScanError(
                f"{path} must be a complete HDF5 file, got one truncated to {size} bytes"
            ) from error
        raise ScanError(
            f"{path} must be a readable HDF5 file, got a damaged or foreign one ({error})"
        ) from error


@contextmanager
def kept_open(path: Path) -> Iterator[h5py.File]:
    """The file opened for reading, to be closed by whoever keeps it; closed at once if the block fails.

    HDF5's failures in the block become a ScanError.
    """
    file = open_hdf5(path)
    try:
        with reading(path, "the file's structure"):
            yield file
    except BaseException:
        file.close()
        raise


def top_level(file: h5py.File) -> str:
    """The names at the file's top, for an error sentence."""
    names = sorted(file)
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"the top-level keys {shown}" if names else "no content"


def own_dataset(file: h5py.File, path: Path, name: str) -> h5py.Dataset:
    """Dataset ``name`` stored in this very file and not larger than it can hold; else ScanError.

    Soft and external links, virtual datasets and external storage are refused: a measurement that
    points at other files could make us read any file of the machine.
    """
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        prefix = "/".join(parts[:depth])
        link = file.get(prefix, getlink=True)
        if not isinstance(link, h5py.HardLink):
            kind = {h5py.ExternalLink: "an external link", h5py.SoftLink: "a soft link"}.get(
                type(link), "nothing"
            )
            raise ScanError(f"{path.name}: {prefix} must be stored in the file itself, got {kind}")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise ScanError(f"{path.name}: {name} must be a dataset, got a group")
    if dataset.is_virtual or dataset.external is not None:
        raise ScanError(f"{path.name}: {name} must be stored in the file itself, got storage in other files")
    check_declared_size(path, name, int(dataset.nbytes), path.stat().st_size)
    if (
        not dataset.compression
        and dataset.dtype.kind != "O"
        and dataset.id.get_storage_size() < dataset.nbytes
    ):
        held = dataset.id.get_storage_size()
        raise ScanError(
            f"{path.name}: {name} must hold its {dataset.nbytes} declared bytes, got {held} (unfinished file)"
        )
    return dataset


@contextmanager
def reading(path: Path, name: str) -> Iterator[None]:
    """Turn HDF5's failures while reading ``name`` (cut file, checksum, broken structure) into a ScanError."""
    try:
        yield
    except ScanError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise ScanError(f"{path.name}: {name} must be readable, got damaged data ({reason})") from error


def read_rows(path: Path, dataset: h5py.Dataset, rows: list[int]) -> np.ndarray:
    """``dataset[rows]`` along the first axis in the given order, reading only those rows."""
    first = np.empty((len(rows), *dataset.shape[1:]), dtype=dataset.dtype)
    with reading(path, dataset.name.lstrip("/")):
        for i, row in enumerate(rows):
            first[i] = dataset[row]
    return first


def read_all(path: Path, dataset: h5py.Dataset) -> np.ndarray:
    """The whole dataset."""
    with reading(path, (dataset.name or "").lstrip("/")):
        return np.asarray(dataset[()])
