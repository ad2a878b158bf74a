"""One artefact: an HDF5 file of checksummed arrays, documents and provenance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.guarded_file import GuardedFile
from proxflow.data.store.keys import DIGEST_BYTES, canonical_json, digest
from proxflow.data.store.row_digests import digest_rows, running_digest
from proxflow.data.store.structure import check_structure, text_attribute
from proxflow.data.store.uninterrupted import uninterrupted

FORMAT = "artefact"
FORMAT_VERSION = 2
DOCUMENTS = "documents"
ROW_DIGESTS = "row_digests"
CHECKSUM = "blake2b"


class ArtefactWriter:
    """Fills a new artefact; made by the store, which closes, checks and publishes it.

    Every row of an array has a digest, of the bytes given to ``append``; an array of fewer than two axes
    and a document have one as a whole.
    """

    def __init__(self, file: h5py.File, guarded: GuardedFile) -> None:
        self._file = file
        self._guarded = guarded
        self._hashes: dict[str, Any] = {}
        self._rows: dict[str, int] = {}
        self._row_digests: dict[str, list[bytes]] = {}

    def write(self, name: str, array: np.ndarray) -> None:
        """Write a whole array."""
        array = np.ascontiguousarray(array)
        self.create(name, array.shape, array.dtype)
        self.append(name, array)

    @uninterrupted()
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
        self._hashes[name] = running_digest(dtype, shape)
        self._rows[name] = 0
        self._row_digests[name] = []

    @uninterrupted()
    def append(self, name: str, rows: np.ndarray) -> None:
        """Write the next rows of a created array, in order."""
        dataset, start = self._file[name], self._rows[name]
        rows = np.ascontiguousarray(rows, dtype=dataset.dtype)
        if dataset.ndim == 0:
            dataset[()] = rows
        else:
            dataset[start : start + len(rows)] = rows
            self._rows[name] = start + len(rows)
        if dataset.ndim > 1:
            found = digest_rows(rows)
            self._row_digests[name] += found
            self._hashes[name].update(b"".join(found))
        else:
            self._hashes[name].update(rows.reshape(-1).view(np.uint8))
        self._guarded.check()

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array, as it was created."""
        return tuple(self._file[name].shape)

    @uninterrupted()
    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows that were appended, read back from the file."""
        return np.asarray(self._file[name][start:stop])

    @uninterrupted()
    def document(self, name: str, value: Any) -> None:
        """Write JSON values; the order of keys is kept."""
        text = json.dumps(value, allow_nan=False).encode()
        dataset = self._file.require_group(DOCUMENTS).create_dataset(name, data=np.frombuffer(text, np.uint8))
        dataset.attrs[CHECKSUM] = digest(text)

    @uninterrupted()
    def flush(self) -> None:
        """Hand what HDF5 still holds in memory to the file."""
        self._file.flush()
        self._guarded.check()

    @uninterrupted()
    def finish(self, attributes: Mapping[str, Any]) -> str:
        """Seal checksums and provenance; returns the digest of the content, without provenance."""
        checksums: dict[str, str] = {}
        for name, running in self._hashes.items():
            dataset = self._file[name]
            if dataset.ndim and self._rows[name] != len(dataset):
                raise RuntimeError(f"{name} must be filled, got {self._rows[name]} of {len(dataset)} rows")
            checksums[name] = running.hexdigest()
            dataset.attrs[CHECKSUM] = checksums[name]
            if dataset.ndim > 1:
                table = np.frombuffer(b"".join(self._row_digests[name]), np.uint8)
                self._file[f"{ROW_DIGESTS}/{name}"] = table.reshape(-1, DIGEST_BYTES)
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

    Raises DamagedArtefactError if the file is not a whole artefact, or cannot be read. Whatever is read is
    compared with the digest of what was written, so that damage done after ``check_seal`` saw the whole
    file is found too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._row_digests: dict[str, np.ndarray] = {}
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
        with self._reading(name):
            dataset = self._file[name]
            if dataset.ndim > 1:
                return self._checked_rows(name, dataset, 0, len(dataset))
            array = np.asarray(dataset[()])
            running = running_digest(array.dtype, array.shape)
            running.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
            self._compare(name, running.hexdigest(), dataset.attrs[CHECKSUM])
            return array

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows of an array along its first axis; only their chunks are read."""
        with self._reading(name):
            dataset = self._file[name]
            if dataset.ndim > 1:
                return self._checked_rows(name, dataset, start, stop)
            return self.array(name)[start:stop]

    def document(self, name: str) -> Any:
        """A JSON document."""
        with self._reading(name):
            dataset = self._file[f"{DOCUMENTS}/{name}"]
            text = dataset[()].tobytes()
            self._compare(name, digest(text), dataset.attrs[CHECKSUM])
            return json.loads(text)

    def _checked_rows(self, name: str, dataset: h5py.Dataset, start: int, stop: int) -> np.ndarray:
        if name not in self._row_digests:
            table = np.asarray(self._file[f"{ROW_DIGESTS}/{name}"][()])
            running = running_digest(dataset.dtype, dataset.shape)
            running.update(table.tobytes())
            self._compare(name, running.hexdigest(), dataset.attrs[CHECKSUM])
            self._row_digests[name] = table
        rows = np.asarray(dataset[start:stop])
        self._compare(name, b"".join(digest_rows(rows)), self._row_digests[name][start:stop].tobytes())
        return rows

    def _compare(self, name: str, found: str | bytes, written: str | bytes) -> None:
        if found != written:
            raise DamagedArtefactError(f"{self.path.name} must hold the {name} that was written")

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Turn HDF5's failures while reading into a DamagedArtefactError."""
        try:
            yield
        except DamagedArtefactError:
            raise
        except (OSError, RuntimeError, KeyError) as error:
            raise DamagedArtefactError(f"{self.path.name} must hold a readable {name}: {error}") from None
