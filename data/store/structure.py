"""What a sealed file may hold: plain arrays in groups, and nothing that leads, or asks for, anywhere else.

The seal has no key: who can write to a store can seal anything. So the structure is checked on opening.
"""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np

from proxflow.data.store.errors import DamagedArtefactError

PLAIN = "biufc"  # kinds of numbers; no objects, references, texts of variable length
OWN_FILTERS = {h5py.h5z.FILTER_FLETCHER32}
DEEPEST = 4


def check_structure(file: h5py.File, path: Path) -> None:
    """Raise DamagedArtefactError unless all is numbers stored in the file itself and no larger than it."""
    _check_group(file, "", path, path.stat().st_size, 0)


def text_attribute(file: h5py.File, name: str) -> str:
    """A text among the file's attributes; ValueError if it is something else."""
    attribute = file.attrs.get_id(name)
    if attribute.shape != () or not h5py.check_string_dtype(attribute.dtype):
        raise ValueError(f"{name} must be a text")
    return str(file.attrs[name])


def _check_group(group: h5py.Group, prefix: str, path: Path, file_bytes: int, depth: int) -> None:
    if depth > DEEPEST:
        raise DamagedArtefactError(f"{path.name} must have at most {DEEPEST} levels of groups, got more")
    for name in group:
        full, link = prefix + name, group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise DamagedArtefactError(f"{path.name}: {full} must be stored in the file itself, got a link")
        held = group[name]
        if isinstance(held, h5py.Dataset):
            _check_dataset(held, full, path, file_bytes)
        elif isinstance(held, h5py.Group):
            _check_group(held, full + "/", path, file_bytes, depth + 1)
        else:
            raise DamagedArtefactError(f"{path.name}: {full} must be an array or a group, got a type")


def _check_dataset(dataset: h5py.Dataset, name: str, path: Path, file_bytes: int) -> None:
    plist = dataset.id.get_create_plist()
    if plist.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED) or plist.get_external_count():
        raise DamagedArtefactError(
            f"{path.name}: {name} must be stored in the file itself, got other storage"
        )
    dtype, shape = dataset.dtype, dataset.shape
    if dtype.kind not in PLAIN or dtype.itemsize > np.dtype(np.clongdouble).itemsize or shape is None:
        raise DamagedArtefactError(f"{path.name}: {name} must hold numbers, got {dtype}")
    filters = {plist.get_filter(index)[0] for index in range(plist.get_nfilters())}
    chunk = math.prod(dataset.chunks or (0,)) * dtype.itemsize
    size = math.prod(shape) * dtype.itemsize
    if filters - OWN_FILTERS or max(size, chunk) > file_bytes or dataset.id.get_storage_size() < size:
        raise DamagedArtefactError(f"{path.name}: {name} must be stored as it is, got {size} declared bytes")
