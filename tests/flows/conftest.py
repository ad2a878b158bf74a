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

    def start(*tokens: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from proxflow.flows.cli.main import main; main()",
                *map(str, tokens),
                "--json",
            ],
            cwd=tmp_path,
            env={key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
