"""Arrays of .npy and .npz files by name, never pickled objects, with errors a user can act on."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.validate import check_declared_size

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"
# What NumPy, zipfile, zlib and the parser of array headers raise on a damaged file.
DAMAGE = (
    *(ValueError, TypeError, OSError, EOFError, KeyError, MemoryError, OverflowError, SyntaxError),
    *(NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


class ArrayForm(NamedTuple):
    """What the header of an array tells."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def is_numpy(path: Path) -> bool:
    """Whether the file starts as a .npy or .npz does."""
    with path.open("rb") as file:
        return file.read(6).startswith((NPY, ZIP))


def is_npz(path: Path) -> bool:
    """Whether a NumPy file is an .npz; raises ScanError if it is neither that nor a .npy."""
    with path.open("rb") as file:
        head = file.read(6)
    if not head.startswith((NPY, ZIP)):
        raise ScanError(f"{path} must be a NumPy .npy or .npz file, got other content")
    return head.startswith(ZIP)


def npz_keys(path: Path) -> tuple[str, ...]:
    """Names of the arrays in an .npz file; none if it is not one or is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ()
    return tuple(name.removesuffix(".npy") for name in names if name.endswith(".npy"))


def npz_forms(path: Path) -> dict[str, ArrayForm]:
    """The arrays of an .npz file by their headers, none of them read; raises ScanError if it is damaged."""
    with _reading(path), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name.removesuffix(".npy"): _form(archive, name) for name in names}


def read_npz(path: Path, keys: Sequence[str]) -> dict[str, NDArray]:
    """The arrays ``keys`` of an .npz file; raises ScanError if one is missing, damaged or no numbers."""
    with _reading(path):
        if not is_npz(path):
            raise ScanError(f"{path} must be a NumPy .npz file, got a single array")
        return _members(path, keys)


def read_npy(path: Path) -> NDArray:
    """The array of a .npy file, memory-mapped; raises ScanError if damaged or no numbers."""
    with _reading(path):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ScanError(f"{path} must be a NumPy .npy file, got an archive")
        return array


def _members(path: Path, keys: Sequence[str]) -> dict[str, NDArray]:
    with np.load(path, allow_pickle=False) as archive:
        found = {}
        for key in keys:
            if key not in archive.files:
                held = ", ".join(archive.files[:8]) or "nothing"
                raise ScanError(f"{path.name} must hold the key {key}, got {held}")
            _check_member(path, key)
            found[key] = archive[key]
        return found


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except ScanError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise ScanError(
            f"{path.name} must be a complete NumPy file of numbers, got an error: {reason}"
        ) from error


def _check_member(path: Path, key: str) -> None:
    """Refuse an array whose header asks for more than the archive holds, before memory is asked for."""
    with zipfile.ZipFile(path) as archive:
        declared, held = _form(archive, f"{key}.npy").nbytes, archive.getinfo(f"{key}.npy").file_size
    check_declared_size(path, key, declared, path.stat().st_size)
    if declared > held:
        raise ScanError(f"{path.name}: {key} must hold its {declared} declared bytes, got {held}")


def _form(archive: zipfile.ZipFile, name: str) -> ArrayForm:
    with archive.open(name) as member:
        first = np.lib.format.read_magic(member) == (1, 0)
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    return ArrayForm(shape, dtype)
