"""Which stages of a run are in the store already, found out without writing anything."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from proxflow.data.store.artefact import Artefact
from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.store import ArtefactStore, Ref
from proxflow.data.store.trust import check_trusted
from proxflow.tasks.calls import Machine, StageCall, StageOutcome
from proxflow.tasks.stage import call_key

UNKNOWN = ""  # digest of what is not there: no key made from it exists
TOO_LARGE_BYTES = 4 << 30  # beyond this, digesting the scan takes longer than a check should


class PeekEngine:
    """An engine for ``run_stages`` that computes nothing: it only looks up each call.

    ``calls`` maps each label to whether its artefact is there; None where that cannot be told cheaply,
    because the key hangs on the digest of a very large file. A damaged artefact counts as not there.
    """

    def __init__(self, machine: Machine) -> None:
        # A folder that cannot be made: the digests of large files are then not noted in the store.
        self._machine = replace(machine, store_root=os.devnull)
        root = machine.store_path
        self._store = ArtefactStore(root) if (root / "artefacts").is_dir() else None
        self.calls: dict[str, bool | None] = {}
        self._told = True

    def submit(self, call: StageCall) -> StageOutcome:
        large = any(Path(path).stat().st_size > TOO_LARGE_BYTES for path in call.files.values())
        self._told = self._told and not large
        ref = self._find(call) if self._told else None
        self.calls[call.label] = ref is not None if self._told else None
        return StageOutcome(call.label, ref or Ref(call.label, UNKNOWN, UNKNOWN), bool(ref), 0.0, 0, "", 0.0)

    def result(self, handle: StageOutcome) -> StageOutcome:
        return handle

    def _find(self, call: StageCall) -> Ref | None:
        if self._store is None or any(ref.digest == UNKNOWN for ref in call.inputs.values()):
            return None
        key = call_key(call, self._machine)
        try:
            check_trusted(self._store.path(key))
            with Artefact(self._store.path(key)) as artefact:
                return Ref(call.label, key, artefact.digest)
        except (FileNotFoundError, DamagedArtefactError):
            return None
