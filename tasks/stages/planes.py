"""The planes of a stored image, read one by one."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.tasks.stages.documents import centre_crop


class Stored(Protocol):
    """Where arrays lie: an artefact, also while it is written."""

    def shape(self, name: str) -> tuple[int, ...]: ...

    def rows(self, name: str, start: int, stop: int) -> np.ndarray: ...


class PlanesOf:
    """The array ``name`` (plane, y, x), cropped to the intended matrix; never in memory as a whole."""

    def __init__(self, stored: Stored, name: str, matrix: tuple[int, int]) -> None:
        self._stored, self._name, self._matrix = stored, name, matrix
        first = self[0]
        self.shape = (stored.shape(name)[0], *first.shape)
        self.dtype = first.dtype

    def __getitem__(self, plane: int) -> np.ndarray:
        return centre_crop(self._stored.rows(self._name, plane, plane + 1), self._matrix)[0]


def copy_rows(name: str, scan: Artefact, writer: ArtefactWriter) -> None:
    """Copy an array from one artefact to the next, row by row."""
    for row in range(scan.shape(name)[0]):
        values = scan.rows(name, row, row + 1)
        if row == 0:
            writer.create(name, scan.shape(name), values.dtype)
        writer.append(name, values)
