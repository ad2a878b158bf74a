"""Run one stage over a small scan made in the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.store.artefact import Artefact
from proxflow.data.store.store import ArtefactStore, Ref
from proxflow.data.writers.kspace_h5 import write_kspace_h5
from proxflow.tasks.stage import Machine, StageCall, execute

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


def complex_noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Complex Gaussian with E|n|^2 = 1."""
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)).astype(np.complex64)


@pytest.fixture
def scan_file(tmp_path: Path) -> Path:
    """Two items, three coils with correlated noise, 33 x 26, a noise measurement, all sampled."""
    rng = np.random.default_rng(0)
    mixing = np.array([[2, 0, 0], [0.5, 1, 0], [0.2j, 0.3, 0.5]], np.complex64)
    kspace = KSpace(
        samples=10 * complex_noise(rng, 2, 3, 33, 26),
        mask=np.ones((1, 33, 26), bool),
        geometry=Geometry(matrix=(33, 26), field_of_view_mm=(5.0, 330.0, 260.0), slices=(0, 1)),
        labels=("slice 0", "slice 1"),
        noise=mixing @ complex_noise(rng, 3, 20_000),
    )
    return write_kspace_h5(tmp_path / "scan.h5", kspace)
