"""Run one stage over a store of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxflow.data.store.artefact import Artefact
from proxflow.data.store.store import ArtefactStore, Ref
from proxflow.tasks.calls import Machine, StageCall
from proxflow.tasks.stage import execute

RunStage = Callable[..., tuple[Ref, Artefact]]


@pytest.fixture
def run_stage(tmp_path: Path) -> RunStage:
    """``run_stage(stage, config, inputs, **files)``: the artefact's reference and the artefact, open."""
    store = ArtefactStore(tmp_path / "store")
    machine = Machine(str(store.root), 1 << 30, "cpu", 0.0)

    def run(stage: str, config: dict[str, Any], inputs: dict[str, Ref] | None = None, **files: Path):  # type: ignore[no-untyped-def]
        call = StageCall(
            stage, stage, config, inputs or {}, {name: str(path) for name, path in files.items()}
        )
        ref = execute(call, machine, store).ref
        return ref, store.open(ref)

    return run
