"""Sparse projection matrices kept in the artefact store: seconds to build, and the same for every slice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.store.keys import stage_key
from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.calls import Machine
from proxflow.tasks.provenance import source_digest

if TYPE_CHECKING:
    from proxflow.operators.sparse_projector import MatrixCache

LABEL = "projector"
Arrays = Mapping[str, np.ndarray]


def stored_matrices(machine: Machine) -> MatrixCache | None:
    """Looks a matrix up in the machine's store, builds and keeps it otherwise; None without a store."""
    return _Stored(machine) if machine.store_root else None


class _Stored:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __call__(self, key: str, build: Callable[[], Arrays]) -> Arrays:
        store = ArtefactStore(self._machine.store_path, self._machine.store_limit)
        full = stage_key(LABEL, {"geometry": key}, {}, source=source_digest())

        def make(writer: ArtefactWriter) -> dict[str, Any]:
            began = time.monotonic()
            arrays = build()
            for name, array in arrays.items():
                writer.write(name, array)
            writer.document("names", list(arrays))
            return {"stage": LABEL, "label": LABEL, "seconds": round(time.monotonic() - began, 4)}

        try:
            ref, _ = store.get_or_make(LABEL, full, make, lambda: None)
            with store.open(ref) as artefact:
                return {name: artefact.array(name) for name in artefact.document("names")}
        finally:
            store.release()
