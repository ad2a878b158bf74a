"""One recipe on threads, processes and a Dask cluster: the same keys and bits, also when workers die."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

SLICES = """name: slices
scan: {path: 'sample://phantom-lowfield', items: '2:8'}
prepare:
  - {kind: undersample, acceleration: 2, acs: [16, 16], seed: 1}
reconstruct: {method: tv, n_iter: 15, tol: 0, lam: 0.003}
compare:
  - {method: cg_sense, n_iter: 5}
runtime: {device: cpu, store: STORE}
"""
ELSEWHERE = [
    pytest.param(["runtime.runner=processes", "runtime.workers=2"], id="processes"),
    pytest.param(["runtime.runner=dask", "runtime.workers=2"], id="dask", marks=pytest.mark.slow),
]


@pytest.fixture
def slices(tmp_path: Path, store: Path) -> Path:
    path = tmp_path / "slices.yaml"
    path.write_text(SLICES.replace("STORE", str(store)))
    return path


def settings(changes: list[str]) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def keys(run: dict[str, Any]) -> dict[str, str]:
    """Of all stages but the report, which prints timings."""
    return {stage["name"]: stage["key"] for stage in run["stages"] if stage["name"] != "report"}


def await_items(store: Path, process: Any, count: int = 1) -> None:
    """Until workers have kept ``count`` items of a stage that is not done."""
    deadline = time.monotonic() + 200
    while len(list(store.glob("checkpoints/*/item-*.h5"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def workers_of(pid: int) -> list[int]:
    """Live processes below ``pid`` that run units."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    below, grown = {pid}, True
    while grown:
        new = {child for child, parent in parents.items() if parent in below} - below
        below |= new
        grown = bool(new)
    return sorted(child for child in below if "spawn_main" in _command(child))


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.mark.parametrize("changes", [pytest.param(["runtime.workers=3"], id="threads"), *ELSEWHERE])
def test_every_runner_gives_the_keys_and_bits_of_the_plain_run(
    proxflow: Any, slices: Path, store: Path, changes: list[str]
) -> None:
    code, plain, err = proxflow("compare", slices)
    assert code == 0, err
    other = [f"runtime.store={store.with_name('other')}", *changes]
    code, spread, err = proxflow("compare", slices, *settings(other))
    assert code == 0, err
    assert not any(stage["cached"] for stage in spread["stages"])
    assert keys(spread) == keys(plain)
    assert spread["metrics"] == plain["metrics"]
    np.testing.assert_array_equal(image(spread), image(plain))
    assert not list(store.with_name("other").glob("checkpoints/*"))
    written = [stage["bytes_written"] for run in (plain, spread) for stage in run["stages"][3:4]]
    assert written[1] > 1.5 * written[0]  # by the workers, and once more by the stage
    code, again, _ = proxflow("compare", slices, *settings(other))
    assert code == 0
    assert all(stage["cached"] for stage in again["stages"])


@pytest.mark.slow
def test_a_worker_killed_is_replaced_and_nothing_is_lost(
    proxflow: Any, spawn: Callable[..., Any], slices: Path, store: Path
) -> None:
    longer = ["reconstruct.n_iter=100", "evaluate.held_out_fraction=0"]
    process = spawn(
        "run",
        slices,
        *settings([*longer, "runtime.runner=processes", "runtime.workers=2"]),
        "--out",
        "result",
    )
    await_items(store, process)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=250)
    assert process.returncode == 0, err
    assert "a worker process died" in err
    run = json.loads(out.splitlines()[-1])
    _, plain, _ = proxflow("run", slices, *settings([*longer, f"runtime.store={store.with_name('other')}"]))
    assert keys(run) == keys(plain)
    np.testing.assert_array_equal(image(run), image(plain))


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_no_worker_outlives_its_run_and_what_it_solved_is_kept(
    proxflow: Any, spawn: Callable[..., Any], slices: Path, store: Path, how: signal.Signals
) -> None:
    longer = ["reconstruct.n_iter=150", "evaluate.held_out_fraction=0"]
    two = ["runtime.runner=processes", "runtime.workers=2"]
    process = spawn("run", slices, *settings([*longer, *two]))
    await_items(store, process)
    workers = workers_of(process.pid)
    assert len(workers) == 2
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGKILL: -9}[how], err
    assert "Traceback" not in err
    deadline = time.monotonic() + 30
    while any("spawn_main" in _command(worker) for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert list(store.glob("checkpoints/*/item-*.h5"))
    if how is not signal.SIGKILL:
        assert not [*store.glob("artefacts/*/.*"), *store.glob("checkpoints/*/.*"), *store.glob("locks/*")]


def test_a_failing_item_ends_the_run_with_its_sentence(proxflow: Any, slices: Path) -> None:
    wrong = ["calibrate={kind: lowres, acs: [16, 16]}", "prepare=[]", "reconstruct.lam=0"]
    two = ["runtime.runner=processes", "runtime.workers=2"]
    code, run, err = proxflow("run", slices, *settings([*wrong, *two, "scan.items=[0, 99]"]))
    assert (code, run["status"]) == (2, "bad_input")
    assert "scan.items must choose from 0 to 9" in err
    assert len(err.strip().splitlines()) == 1


def test_no_scheduler_at_the_address_is_one_sentence(proxflow: Any, slices: Path) -> None:
    where = ["runtime.runner=dask", "runtime.scheduler=tcp://127.0.0.1:9"]
    code, _, err = proxflow("run", slices, *settings(where))
    assert code == 2
    assert "runtime.scheduler must be the address of a running Dask scheduler, got tcp://127.0.0.1:9" in err
    assert len(err.strip().splitlines()) == 1
    code, _, err = proxflow("run", slices, *settings([where[0], "runtime.scheduler=nonsense"]))
    assert code == 2
    assert "runtime.scheduler must be the address of a Dask scheduler as tcp://127.0.0.1:8786" in err
