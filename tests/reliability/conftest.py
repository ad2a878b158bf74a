"""Runs of a small real scan as processes that can be killed, over a store that can be broken."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

RECIPE = """name: small
scan: {path: SCAN}
prepare:
  - {kind: crop, matrix: [112, 96]}
  - {kind: compress_coils, n_coils: 4}
  - {kind: undersample, acceleration: 3, acs: [20, 16], seed: 1}
reconstruct: {method: tv, n_iter: 40, tol: 0, lam: 0.003}
runtime: {device: cpu, store: STORE, checkpoint_seconds: 0.05}
"""
DEADLINE = 120.0


def recipe_text(store: Path, scan: object = "sample://brain-13coil") -> str:
    return RECIPE.replace("STORE", f"'{store}'").replace("SCAN", f"'{scan}'")


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, the object it printed last, standard error."""

    code: int
    document: dict[str, Any]
    err: str

    @property
    def computed(self) -> list[str]:
        """Labels of the stages that were not in the store."""
        return [stage["name"] for stage in self.document["stages"] if not stage["cached"]]

    def image(self) -> np.ndarray:
        with h5py.File(self.document["image"]) as file:
            return np.asarray(file["image"][()])

    def log(self) -> str:
        return (Path(self.document["run_dir"]) / "log.txt").read_text()


class Started:
    """A command that runs."""

    def __init__(self, pid: int, out: Path, err: Path, wait: Callable[[int], int]) -> None:
        self.pid, self._out, self._err, self._wait = pid, out, err, wait

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self) -> Ended:
        """Wait for it."""
        code = self._wait(self.pid)
        lines = self._out.read_text().strip().splitlines()
        return Ended(code, json.loads(lines[-1]) if lines else {}, self._err.read_text())

    def lives(self) -> bool:
        """Whether it has not ended; one that ended stays, unheard, until it is waited for."""
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


class Forks:
    """The process that forks commands, where the kernel allows it in a mount namespace of its own."""

    def __init__(self) -> None:
        alone = ["unshare", "--user", "--map-root-user", "--mount"]
        self.may_mount = subprocess.run([*alone, "true"], capture_output=True).returncode == 0
        environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
        self._process = subprocess.Popen(
            [*(alone if self.may_mount else []), sys.executable, Path(__file__).with_name("forked_runs.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment | {"OMP_NUM_THREADS": "1"},
        )

    def ask(self, **order: Any) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def sees(self, path: Path) -> Path:
        """The path by which this process reaches what the commands see at ``path``."""
        return Path(f"/proc/{self._process.pid}/root{path}")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture
def start(forks: Forks, tmp_path: Path) -> Callable[..., Started]:
    """Start ``proxflow TOKENS --json`` in a process of its own, in ``tmp_path``."""
    numbers = count()

    def begin(*tokens: object, **environment: str) -> Started:
        number = next(numbers)
        out, err = tmp_path / f"out-{number}", tmp_path / f"err-{number}"
        words = [*map(str, tokens), "--json"]
        where = {"cwd": str(tmp_path), "out": str(out), "err": str(err)}
        pid = forks.ask(tokens=words, environment=environment, **where)
        return Started(pid, out, err, lambda pid: forks.ask(wait=pid))

    return begin


@pytest.fixture
def mount(forks: Forks) -> Iterator[Callable[..., Path]]:
    """``mount WORDS FOLDER`` for the commands alone; returns the path by which the test sees it."""
    if not forks.may_mount:
        pytest.skip("a mount namespace of one's own (unshare --user --mount) is not allowed here")
    mounted: list[Path] = []

    def on(folder: Path, *words: object) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        assert forks.ask(command=["mount", *map(str, words), str(folder)]) == 0
        mounted.append(folder)
        return forks.sees(folder)

    yield on
    for folder in dict.fromkeys(mounted):
        forks.ask(command=["umount", "-l", str(folder)])


@pytest.fixture
def run(start: Callable[..., Started]) -> Callable[..., Ended]:
    """``proxflow run TOKENS`` to its end."""
    return lambda *tokens, **environment: start("run", *tokens, **environment).ended()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def write_recipe(tmp_path: Path) -> Callable[..., Path]:
    """A recipe over a store, and a scan other than the shipped brain."""

    def write(store: Path, scan: object = "sample://brain-13coil", name: str = "small.yaml") -> Path:
        path = tmp_path / name
        path.write_text(recipe_text(store, scan))
        return path

    return write


@pytest.fixture
def recipe(write_recipe: Callable[..., Path], store: Path) -> Path:
    return write_recipe(store)


@pytest.fixture(scope="session")
def calm(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ended]:
    """``proxflow run RECIPE TOKENS`` over a store of its own, with nothing that disturbs it."""

    def run(*tokens: str) -> Ended:
        folder = tmp_path_factory.mktemp("calm")
        (folder / "small.yaml").write_text(recipe_text(folder / "store"))
        out, err = folder / "out", folder / "err"
        order = {"cwd": str(folder), "environment": {}, "out": str(out), "err": str(err)}
        pid = forks.ask(tokens=["run", "small.yaml", *tokens, "--json"], **order)
        ended = Started(pid, out, err, lambda pid: forks.ask(wait=pid)).ended()
        assert ended.code == 0, ended.err
        return ended

    return run


@pytest.fixture(scope="session")
def whole(calm: Callable[..., Ended]) -> Ended:
    """The recipe's run that nothing disturbed."""
    return calm()


@pytest.fixture(scope="session")
def prefect_environment(
    tmp_path_factory: pytest.TempPathFactory, prefect_home_at: Callable[[Path], Path]
) -> dict[str, str]:
    """One Prefect database for all, and time for its server to start."""
    return {
        "PREFECT_HOME": str(prefect_home_at(tmp_path_factory.mktemp("prefect"))),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def chance() -> random.Random:
    """A seeded source of moments."""
    return random.Random(4)


@pytest.fixture
def artefacts() -> Callable[[Path], list[Path]]:
    """The published artefacts of a store, in the order they were made."""
    return lambda store: sorted(store.glob("artefacts/??/*.h5"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait until a condition is true, or a command has ended; what the condition said."""

    def wait(true: Callable[[], Any], running: Started | None = None) -> Any:
        deadline = time.monotonic() + DEADLINE
        while not (said := true()):
            if running is not None and not running.lives():
                return None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        return said

    return wait
