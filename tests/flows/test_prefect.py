"""The Prefect caller: the same keys and bits as the plain one, recorded whole, and nothing left running."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Prefect database for the module: its migrations take seconds."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture
def with_prefect(spawn: Any, prefect_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command with --prefect in a process of its own: exit code, closing object, both outputs."""
    monkeypatch.setenv("PREFECT_HOME", str(prefect_home))

    def run(*tokens: object) -> tuple[int, dict[str, Any], str, str]:
        process: subprocess.Popen[str] = spawn(*tokens, "--prefect")
        out, err = process.communicate(timeout=240)
        assert not live_servers()
        return process.returncode, json.loads(out.splitlines()[-1]), out, err

    return run


def live_servers() -> list[str]:
    """Command lines of live Prefect servers that use this module's database."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "uvicorn" in command and os.environ["PREFECT_HOME"] in environment:
                found.append(command)
    return found


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def states(home: Path) -> list[tuple[str, str]]:
    """(task run name, state name) as Prefect's database has them."""
    with sqlite3.connect(home / "prefect.db") as database:
        return database.execute("select name, state_name from task_run order by start_time").fetchall()


def test_flow_gives_the_keys_and_bits_of_the_plain_run(
    proxflow: Any, with_prefect: Any, recipe: Path, prefect_home: Path
) -> None:
    code, flow, out, err = with_prefect("compare", recipe)
    assert code == 0, err
    assert len(out.splitlines()) == 1  # no noise
    assert err == ""
    recorded = states(prefect_home)
    assert len(recorded) == len(flow["stages"])
    assert {state for _, state in recorded} == {"Completed"}
    assert {name for name, _ in recorded} == {stage["name"] for stage in flow["stages"]}

    _, plain, _ = proxflow("compare", recipe, "--set", f"runtime.store={recipe.parent / 'other'}")
    assert not any(stage["cached"] for stage in plain["stages"])
    compute = slice(0, -1)  # the report prints timings: its key is its own
    assert [s["key"] for s in plain["stages"]][compute] == [s["key"] for s in flow["stages"]][compute]
    np.testing.assert_array_equal(image(plain), image(flow))
    assert plain["metrics"] == flow["metrics"]

    code, again, _, err = with_prefect("compare", recipe)
    assert code == 0, err
    assert all(stage["cached"] for stage in again["stages"])
    assert [state for _, state in states(prefect_home)[len(recorded) :]] == ["Cached"] * len(recorded)
    with sqlite3.connect(prefect_home / "prefect.db") as database:
        kinds = [row[0] for row in database.execute("select type from artifact where key not null")]
    assert sorted(set(kinds)) == ["markdown", "table"]


def test_ct_with_a_stored_matrix_gives_the_bits_of_the_plain_run(
    proxflow: Any, with_prefect: Any, store: Path
) -> None:
    small = ["image.matrix=[48, 48]", "image.voxel_mm=1.6", "prepare=[{kind: keep_angles, every: 16}]"]
    changes = [*small, "reconstruct={method: cgls, n_iter: 4, tol: 0}", "calibrate.backend=matrix"]

    def settings(folder: Path) -> list[str]:
        every = (f"runtime.store={folder}", "runtime.device=cpu", *changes)
        return [part for change in every for part in ("--set", change)]

    code, flow, _, err = with_prefect("run", "ct-htc2022-full", *settings(store))
    assert code == 0, err
    code, plain, err = proxflow("run", "ct-htc2022-full", *settings(store.with_name("other")))
    assert code == 0, err
    assert [stage["key"] for stage in plain["stages"]][:-1] == [stage["key"] for stage in flow["stages"]][:-1]
    np.testing.assert_array_equal(image(plain), image(flow))


def test_bad_input_is_one_sentence_under_prefect_too(with_prefect: Any, recipe: Path, tmp_path: Path) -> None:
    code, run, _, err = with_prefect("run", recipe, "--set", "calibrate.acs=[4,4]", "--out", "result")
    assert code == 2
    assert run["status"] == "bad_input"
    assert "at least 6 x 6" in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "result").exists()


def test_sigkill_leaves_no_server_behind(
    spawn: Any, recipe: Path, prefect_home: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(prefect_home))
    long = ["--set", "reconstruct.n_iter=100000", "--set", "runtime.checkpoint_seconds=0.1"]
    process = spawn("run", recipe, "--prefect", *long)
    deadline = time.monotonic() + 120
    while not list(store.glob("checkpoints/*/state-0.h5")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert live_servers()
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while live_servers():
        assert time.monotonic() < deadline, live_servers()
        time.sleep(0.2)
