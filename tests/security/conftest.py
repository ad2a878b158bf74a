"""A small scan, a recipe for it, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RECIPE = """name: small
description: a scan of noise
scan: {path: PATH}
calibrate: {kind: lowres, acs: [6, 6]}
reconstruct: {method: cg_sense, n_iter: 2}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu}
"""


@pytest.fixture
def scan(tmp_path: Path) -> Callable[..., Path]:
    """Write a Proxflow scan of noise with the given labels and words about its source."""

    def write(labels: tuple[str, ...] = ("one",), source: dict[str, str] | None = None) -> Path:
        from proxflow.data.kspace import Geometry, KSpace
        from proxflow.data.writers.kspace_h5 import write_kspace_h5

        numbers = np.random.default_rng(2).normal(size=(2, len(labels), 3, 32, 28)).astype(np.float32)
        samples = numbers[0] + 1j * numbers[1]
        mask = np.ones((len(labels), 32, 28), bool)
        kspace = KSpace(samples, mask, Geometry((32, 28)), labels, source=source or {})
        return write_kspace_h5(tmp_path / "scan.h5", kspace)

    return write


@pytest.fixture
def recipe(tmp_path: Path, scan: Callable[..., Path]) -> Callable[..., Path]:
    """Write the recipe of a scan, by default of a harmless one."""

    def write(path: Path | None = None, name: str = "recipe.yaml") -> Path:
        file = tmp_path / name
        file.write_text(RECIPE.replace("PATH", str(path or scan())))
        return file

    return write


@pytest.fixture
def proxflow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Run a command in this process, from a folder and with a store of its own: exit code, what it said."""
    from proxflow.flows.cli.main import main

    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PROXFLOW_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*tokens: Any) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(token) for token in tokens])
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out + printed.err

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[], dict[str, bytes | str]]:
    """Every file below the test's folder but those of store and cache, with its content or where it leads."""

    def look() -> dict[str, bytes | str]:
        found: dict[str, bytes | str] = {}
        for path in tmp_path.rglob("*"):
            if path.relative_to(tmp_path).parts[0] in ("store", "cache"):
                continue
            if path.is_symlink():
                found[str(path)] = str(path.readlink())
            elif path.is_file():
                found[str(path)] = path.read_bytes()
        return found

    return look
