"""An artefact that lives in memory, for stages that are tried without a store."""

from __future__ import annotations

import json
from typing import Any

import numpy as np


class MemoryArtefact:
    """Written as ``ArtefactWriter`` and read as ``Artefact`` are; nothing touches the disk."""

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}
        self._rows: dict[str, int] = {}
        self._documents: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def write(self, name: str, array: np.ndarray) -> None:
        self._arrays[name] = np.array(array)

    def create(self, name: str, shape: tuple[int, ...], dtype: Any) -> None:
        self._arrays[name], self._rows[name] = np.zeros(shape, dtype), 0

    def append(self, name: str, rows: np.ndarray) -> None:
        start = self._rows[name]
        self._arrays[name][start : start + len(rows)] = rows
        self._rows[name] = start + len(rows)

    def shape(self, name: str) -> tuple[int, ...]:
        return self._arrays[name].shape

    def array(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        return self._arrays[name][start:stop]

    def document(self, name: str, value: Any = None) -> Any:
        """Store JSON values, or read them where none are given."""
        if value is None:
            return json.loads(self._documents[name])
        self._documents[name] = json.dumps(value, allow_nan=False)
        return None
