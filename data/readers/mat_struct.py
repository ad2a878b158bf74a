"""MATLAB files, v5 and v7.3, as nested dictionaries of arrays, with errors a user can act on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import DAMAGE, open_hdf5, own_dataset, reading
from proxflow.data.readers.mat5_file import mat5_names, read_mat5

SIGNATURE = b"MATLAB "
VERSION_73 = b"MATLAB 7.3"
DAMAGE_73 = (*DAMAGE, EOFError, IndexError, NotImplementedError, RecursionError)


def is_mat(path: Path) -> bool:
    """Whether the file starts as MATLAB's v5 (also v6 and v7) and v7.3 files do."""
    return _head(path).startswith(SIGNATURE)


def mat_names(path: Path) -> dict[str, str]:
    """Names of the file's variables and their MATLAB classes, without reading their values."""
    _check_is_mat(path)
    if not _head(path).startswith(VERSION_73):
        return mat5_names(path)
    from pymatreader import whosmat

    _check_links(path)
    try:
        return {name: kind for name, _, kind in whosmat(path)}
    except DAMAGE_73 as error:
        raise _damaged(path, error) from error


def read_mat(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """The variables ``names`` of the file: structs as dictionaries, arrays without axes of length one.

    Axes are in MATLAB's order, scalars are numbers. In a v7.3 file, which is HDF5, links, virtual
    datasets and external storage are refused. Raises ScanError if a variable is missing or damaged.
    """
    _check_is_mat(path)
    found = _read_mat73(path, names) if _head(path).startswith(VERSION_73) else read_mat5(path, set(names))
    for name in names:
        if name not in found:
            held = ", ".join(sorted(mat_names(path))[:8]) or "nothing"
            raise ScanError(f"{path.name} must hold the variable {name}, got {held}")
    return found


def field(path: Path, content: Mapping[str, Any], dotted: str) -> NDArray:
    """The array at ``dotted``, such as ``EMData.Values``; raises ScanError if it is no array of numbers."""
    value: Any = content
    for depth, part in enumerate(dotted.split(".")):
        if not isinstance(value, Mapping) or part not in value:
            above = ".".join(dotted.split(".")[:depth]) or "the file"
            held = ", ".join(sorted(map(str, value))[:8]) if isinstance(value, Mapping) else "no struct"
            raise ScanError(f"{path.name} must hold the field {dotted}, got {held or 'nothing'} in {above}")
        value = value[part]
    array = np.asarray(value) if not isinstance(value, Mapping | list | str) else None
    if array is None or array.dtype.kind not in "fiubc":
        kind = "a struct" if isinstance(value, Mapping) else type(value).__name__
        raise ScanError(f"{path.name}: {dotted} must be an array of numbers, got {kind}")
    return array


def _read_mat73(path: Path, names: Sequence[str]) -> dict[str, Any]:
    from pymatreader import read_mat as read

    _check_links(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it cannot convert is refused where it is asked for
            return read(path, variable_names=list(names))
    except DAMAGE_73 as error:
        raise _damaged(path, error) from error


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(VERSION_73))
    except OSError as error:
        raise ScanError(f"{path} must be a file that can be read, got: {error.strerror}") from None


def _check_is_mat(path: Path) -> None:
    if not is_mat(path):
        raise ScanError(f"{path} must be a MATLAB file of version 5 or 7.3, got other content")


def _check_links(path: Path) -> None:
    """Refuse what points at other files, or declares more than this one holds, before it is followed."""
    with open_hdf5(path) as file, reading(path, "the file's structure"):
        _check_group(file, file, path, "")


def _check_group(file: h5py.File, group: h5py.Group, path: Path, prefix: str) -> None:
    for name in group:
        full = prefix + name
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ScanError(f"{path.name}: {full} must be stored in the file itself, got a link")
        if isinstance(group[name], h5py.Group):
            _check_group(file, group[name], path, full + "/")
        else:
            own_dataset(file, path, full)


def _damaged(path: Path, error: BaseException) -> ScanError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ScanError(f"{path.name} must be a complete MATLAB file, got damaged data ({reason})")
