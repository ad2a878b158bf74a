"""One artefact: an HDF5 file of checksummed arrays, documents and provenance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.guarded_file import GuardedFile
from proxflow.data.store.keys import DIGEST_BYTES, canonical_json, digest
from proxflow.data.store.structure import check_structure, text_attribute

FORMAT = "artefact"
FORMAT_VERSION = 1
DOCUMENTS = "documents"
CHECKSUM = "blake2b"


class ArtefactWriter:
    """Fills a new artefact; made by the store, which closes, checks and publishes it."""

    def __init__(self, file: h5py.File, guarded: GuardedFile) -> None:
        self._file = file
        self._guarded = guarded
        self._hashes: dict[str, Any] = {}
        self._rows: dict[str, int] = {}

    def write(self, name: str, array: np.ndarray) -> None:
        """Write a whole array."""
        array = np.ascontiguousarray(array)
        self.create(name, array.shape, array.dtype)
        self.append(name, array)

    def create(self, name: str, shape: tuple[int, ...], dtype: Any) -> None:
        """Announce an array that ``append`` fills along its first axis, so that it never sits in memory."""
        dtype = np.dtype(dtype)
        self._file.create_dataset(
            name,
            shape=shape,
            dtype=dtype,
            chunks=(1, *shape[1:]) if len(shape) > 1 and 0 not in shape else None,
            fletcher32=len(shape) > 1 and 0 not in shape,
        )
        self._hashes[name] = hashlib.blake2b(f"{dtype}{tuple(shape)}".encode(), digest_size=DIGEST_BYTES)
        self._rows[name] = 0

    def append(self, name: str, rows: np.ndarray) -> None:
        """Write the next rows of a created array, in order."""
        dataset, start = self._file[name], self._rows[name]
        rows = np.ascontiguousarray(rows, dtype=dataset.dtype)
        if dataset.ndim == 0:
            dataset[()] = rows
        else:
            dataset[start : start + len(rows)] = rows
            self._rows[name] = start + len(rows)
        self._hashes[name].update(rows.reshape(-1).view(np.uint8))
        if self._guarded.error is not None:
            raise self._guarded.error

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array, as it was created."""
        return tuple(self._file[name].shape)

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows that were appended, read back from the file."""
        return np.asarray(self._file[name][start:stop])

    def document(self, name: str, value: Any) -> None:
        """Write JSON values; the order of keys is kept."""
        text = json.dumps(value, allow_nan=False).encode()
        dataset = self._file.require_group(DOCUMENTS).create_dataset(name, data=np.frombuffer(text, np.uint8))
        dataset.attrs[CHECKSUM] = digest(text)

    def finish(self, attributes: Mapping[str, Any]) -> str:
        """Seal checksums and provenance; returns the digest of the content, without provenance."""
        checksums: dict[str, str] = {}
        for name, running in self._hashes.items():
            dataset = self._file[name]
            if dataset.ndim and self._rows[name] != len(dataset):
                raise RuntimeError(f"{name} must be filled, got {self._rows[name]} of {len(dataset)} rows")
            checksums[name] = running.hexdigest()
            dataset.attrs[CHECKSUM] = checksums[name]
        for name, dataset in self._file.get(DOCUMENTS, {}).items():
            checksums[f"{DOCUMENTS}/{name}"] = dataset.attrs[CHECKSUM]
        content = digest(canonical_json(checksums).encode())
        self._file.attrs["digest"] = content
        self._file.attrs["provenance"] = canonical_json(dict(attributes))
        self._file.attrs["proxflow_format"] = FORMAT
        self._file.attrs["format_version"] = FORMAT_VERSION
        self._file.attrs["complete"] = True
        return content


class Artefact:
    """A published artefact, opened for reading; a context manager.

    Raises DamagedArtefactError if the file is not a whole artefact, or cannot be read; that its bytes are
    those that were written is checked by ``check_seal``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = h5py.File(path, "r")
        except FileNotFoundError:
            raise
        except (OSError, RuntimeError, ValueError) as error:
            raise DamagedArtefactError(f"{path.name} must be a whole artefact: {error}") from None
        try:
            check_structure(self._file, path)
            if "complete" not in self._file.attrs:
                raise DamagedArtefactError("it was never finished")
            self.digest = text_attribute(self._file, "digest")
            self.provenance = dict[str, Any](json.loads(text_attribute(self._file, "provenance")))
        except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
            self._file.close()
            raise DamagedArtefactError(f"{path.name} must be a whole artefact: {error}") from None

    def __enter__(self) -> Artefact:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._file

    def names(self, group: str) -> list[str]:
        """Names of the arrays in a group, empty if there is none."""
        return sorted(self._file.get(group, {}))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""
        return tuple(self._file[name].shape)

    def array(self, name: str) -> np.ndarray:
        """A whole array."""
        return self._read(name, ())

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows of an array along its first axis; only their chunks are read."""
        return self._read(name, slice(start, stop))

    def document(self, name: str) -> Any:
        """A JSON document."""
        return json.loads(self._read(f"{DOCUMENTS}/{name}", ()).tobytes())

    def _read(self, name: str, selection: Any) -> np.ndarray:
        try:
            return np.asarray(self._file[name][selection])
        except (OSError, RuntimeError) as error:
            raise DamagedArtefactError(f"{self.path.name} must hold a readable {name}: {error}") from None
