"""Runs of a small real scan: the shipped brain, cropped and with few virtual coils, about a second each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SMALL = """name: small
scan: {path: 'sample://brain-13coil'}
prepare:
  - {kind: crop, matrix: [112, 96]}
  - {kind: compress_coils, n_coils: 4}
  - {kind: undersample, acceleration: 3, acs: [20, 16], seed: 1}
reconstruct: {method: tv, n_iter: 12, tol: 0, lam: 0.003}
compare:
  - {method: cg_sense, n_iter: 8}
runtime: {device: cpu, store: STORE}
"""

Command = Callable[..., tuple[int, dict[str, Any], str]]
Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def recipe(tmp_path: Path, store: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.replace("STORE", str(store)))
    return path


@pytest.fixture
def proxflow(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command in this process with --json: exit code, the closing object, standard error."""
    from proxflow.flows.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    def run(*tokens: object) -> tuple[int, dict[str, Any], str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([*map(str, tokens), "--json"])
        out, err = capfd.readouterr()
        lines = out.strip().splitlines()
        return int(left.value.code or 0), json.loads(lines[-1]) if lines else {}, err

    return run


@pytest.fixture
def spawn(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command as a process of its own."""
    source = "from proxflow.flows.cli.main import main; main()"

    def start(*tokens: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", source, *map(str, tokens), "--json"],
            cwd=tmp_path,
            env={key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def flow_script(tmp_path: Path) -> Script:
    """Run Python source to its end in a process of its own, with a Prefect of its own in tmp_path/prefect."""

    def run(source: str, *tokens: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", source, *map(str, tokens)],
            cwd=tmp_path,
            env={
                **{key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"},
                "PREFECT_HOME": str(tmp_path / "prefect"),
                "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
            },
            capture_output=True,
            text=True,
            timeout=280,
        )

    return run


MANY = """name: tiny
scan: {kind: mri-cartesian}
prepare:
  - {kind: undersample, acceleration: 2, acs: [12, 12], seed: 1}
reconstruct: {method: cg_sense, n_iter: 3, tol: 0}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""


@pytest.fixture
def many_recipe(tmp_path: Path, store: Path) -> Path:
    """A recipe for any number of scans: it names none."""
    path = tmp_path / "tiny.yaml"
    path.write_text(MANY.replace("STORE", str(store)))
    return path


@pytest.fixture(scope="session")
def small_kspace() -> Any:
    """(3, 48, 40) of the measured brain's k-space: never square."""
    from proxflow.data.open_scan import open_scan

    with open_scan("sample://brain-13coil") as scan:
        return scan.read().samples[0, :3, 112 - 24 : 112 + 24, 112 - 20 : 112 + 20] * 1e6


@pytest.fixture
def scan_file(small_kspace: Any) -> Callable[..., Path]:
    """Write a scan of the measured brain; another ``turn`` of its phase is another content."""
    import numpy as np

    from proxflow.data.kspace import Geometry, KSpace
    from proxflow.data.writers.kspace_h5 import write_kspace_h5

    def make(path: Path, turn: float = 0.0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = (small_kspace * np.exp(1j * turn)).astype(np.complex64)[None]
        mask = np.ones((1, *samples.shape[-2:]), bool)
        geometry = Geometry(samples.shape[-2:], (5.0, 80.0, 60.0), slices=(0,))
        return write_kspace_h5(path, KSpace(samples, mask, geometry, ("slice 0",)))

    return make
