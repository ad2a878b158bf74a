"""The Prefect caller: the same keys and bits as the plain one, recorded whole, and nothing left running."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.prefect


ONE_AFTER_ANOTHER = """
import json, sys
from proxflow.flows.cli.main import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as left:
        for stream in (sys.stdout, sys.stderr):
            print("ENDED", left.code, file=stream, flush=True)
"""


class Ran(NamedTuple):
    """How a command with --prefect ended: exit code, closing object, both outputs."""

    code: int
    told: dict[str, Any]
    out: str
    err: str


@pytest.fixture
def with_prefect(flow_script: Any, tmp_path: Path) -> Callable[..., list[Ran]]:
    """Run commands with --prefect, one after another in a process of its own under one embedded server."""

    def run(*requests: Sequence[object]) -> list[Ran]:
        words = [[*map(str, request), "--prefect", "--json"] for request in requests]
        ended = flow_script(ONE_AFTER_ANOTHER, json.dumps(words))
        assert ended.returncode == 0, ended.stderr
        assert not live_servers(tmp_path / "prefect")
        said = [re.split(r"^ENDED (\d+)\n", text, flags=re.M) for text in (ended.stdout, ended.stderr)]
        assert [text[-1] for text in said] == ["", ""]  # no noise after the last
        (outs, codes), (errs, _) = ((text[:-1:2], text[1::2]) for text in said)
        assert len(codes) == len(requests)
        return [
            Ran(int(code), json.loads(out.splitlines()[-1]), out, err)
            for code, out, err in zip(codes, outs, errs, strict=True)
        ]

    return run


def live_servers(home: Path) -> list[str]:
    """Command lines of live Prefect servers that use the database of a home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "uvicorn" in command and str(home) in environment:
                found.append(command)
    return found


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def states(home: Path) -> list[tuple[str, str]]:
    """(task run name, state name) as Prefect's database has them."""
    with sqlite3.connect(home / "prefect.db") as database:
        return database.execute("select name, state_name from task_run order by start_time").fetchall()


def test_flows_give_the_keys_and_bits_of_plain_runs(
    proxflow: Any, with_prefect: Any, recipe: Path, store: Path, tmp_path: Path
) -> None:
    """One test: several would be shared out among workers, each of which would start a server."""
    bad = ["run", recipe, "--set", "calibrate.acs=[4,4]", "--out", "result"]
    asked = ["compare", recipe], ["compare", recipe], disc(store), bad
    first, again, ct, refused = with_prefect(*asked)
    check_a_comparison(first, proxflow, recipe, tmp_path / "prefect")
    check_the_same_again(again, tmp_path / "prefect")
    check_ct_with_a_stored_matrix(ct, proxflow, store.with_name("plain"))
    check_bad_input_is_one_sentence(refused)
    assert not (tmp_path / "result").exists()


def disc(store: Path) -> list[str]:
    """A small run of CT whose matrix is stored."""
    small = ["image.matrix=[48, 48]", "image.voxel_mm=1.6", "prepare=[{kind: keep_angles, every: 16}]"]
    changes = [*small, "reconstruct={method: cgls, n_iter: 4, tol: 0}", "calibrate.backend=matrix"]
    every = (f"runtime.store={store}", "runtime.device=cpu", *changes)
    return ["run", "ct-htc2022-full", *(part for change in every for part in ("--set", change))]


def check_a_comparison(flow: Ran, proxflow: Any, recipe: Path, home: Path) -> None:
    assert flow.code == 0, flow.err
    assert len(flow.out.splitlines()) == 1  # no noise
    assert flow.err == ""
    stages = flow.told["stages"]
    recorded = states(home)[: len(stages)]
    assert {state for _, state in recorded} == {"Completed"}
    assert {name for name, _ in recorded} == {stage["name"] for stage in stages}

    _, plain, _ = proxflow("compare", recipe, "--set", f"runtime.store={recipe.parent / 'other'}")
    assert not any(stage["cached"] for stage in plain["stages"])
    compute = slice(0, -1)  # the report prints timings: its key is its own
    assert [s["key"] for s in plain["stages"]][compute] == [s["key"] for s in stages][compute]
    np.testing.assert_array_equal(image(plain), image(flow.told))
    assert plain["metrics"] == flow.told["metrics"]


def check_the_same_again(again: Ran, home: Path) -> None:
    assert again.code == 0, again.err
    assert all(stage["cached"] for stage in again.told["stages"])
    n = len(again.told["stages"])
    assert [state for _, state in states(home)[n : 2 * n]] == ["Cached"] * n
    with sqlite3.connect(home / "prefect.db") as database:
        kinds = [row[0] for row in database.execute("select type from artifact where key not null")]
    assert sorted(set(kinds)) == ["markdown", "table"]


def check_ct_with_a_stored_matrix(flow: Ran, proxflow: Any, store: Path) -> None:
    assert flow.code == 0, flow.err
    code, plain, err = proxflow(*disc(store))
    assert code == 0, err
    assert [s["key"] for s in plain["stages"]][:-1] == [s["key"] for s in flow.told["stages"]][:-1]
    np.testing.assert_array_equal(image(plain), image(flow.told))


def check_bad_input_is_one_sentence(refused: Ran) -> None:
    assert refused.code == 2
    assert refused.told["status"] == "bad_input"
    assert "at least 6 x 6" in refused.err
    assert len(refused.err.strip().splitlines()) == 1


def test_sigkill_leaves_no_server_behind(
    spawn: Any,
    recipe: Path,
    prefect_home_at: Callable[[Path], Path],
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = prefect_home_at(tmp_path / "prefect")
    monkeypatch.setenv("PREFECT_HOME", str(home))
    long = ["--set", "reconstruct.n_iter=100000", "--set", "runtime.checkpoint_seconds=0.1"]
    process = spawn("run", recipe, "--prefect", *long)
    deadline = time.monotonic() + 120
    while not list(store.glob("checkpoints/*/state-0.h5")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert live_servers(home)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while live_servers(home):
        assert time.monotonic() < deadline, live_servers(home)
        time.sleep(0.2)
