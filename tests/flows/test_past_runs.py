"""`proxflow runs`, `cancel` and `stats` over real runs: done, found, refused, failed, cancelled, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxflow.tasks import processes
from proxflow.tasks.run_ledger import RunLedger
from proxflow.tasks.run_record import RunRecord

LONG = ("--set", "reconstruct.n_iter=100000", "--set", "runtime.checkpoint_seconds=0.2")


def wait_until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.fixture
def ledger(store: Path) -> RunLedger:
    return RunLedger(store)


@pytest.fixture
def long_run(spawn: Any, recipe: Path, store: Path, ledger: RunLedger) -> Any:
    """Start a run that does not end by itself, wait until it computes: its process and its record."""
    started: list[subprocess.Popen[str]] = []

    def start(*tokens: object) -> tuple[subprocess.Popen[str], RunRecord]:
        process = spawn("run", recipe, *LONG, *tokens)
        started.append(process)

        def computing() -> list[RunRecord]:
            assert process.poll() is None, process.communicate()
            begun = [run for run in ledger.records() if run.process.pid == process.pid and run.folder]
            return begun if list(store.glob("checkpoints/*/state-0.h5")) else []

        return process, wait_until(computing)[0]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_every_end_is_in_the_ledger_and_counted(
    proxflow: Any, recipe: Path, store: Path, long_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("--store", store)
    _, first, _ = proxflow("run", recipe, "--out", "result")
    _, again, _ = proxflow("compare", recipe)
    refused, _, refusal = proxflow("run", recipe, "--set", "calibrate.acs=[4,4]")
    process, record = long_run()
    code, cancelled, _ = proxflow("cancel", record.id, *at)
    assert (code, cancelled["run"], cancelled["ended"]) == (0, record.id, True)
    assert process.wait(60) == 143
    killed, record = long_run()
    assert [run["state"] for run in proxflow("runs", "--last", 1, *at)[1]["runs"]] == ["running"]
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    failed = failing_run(proxflow, recipe, monkeypatch)

    runs = proxflow("runs", *at)[1]["runs"]
    assert [run["state"] for run in runs] == ["failed", "crashed", "interrupted", "refused", "done", "done"]
    assert runs[-1]["id"] == first["run"]
    assert runs[-1]["report"] == first["report"]
    assert runs[-1]["folder"] == first["run_dir"]
    assert [stage["name"] for stage in runs[-1]["stages"]] == [stage["name"] for stage in first["stages"]]
    assert runs[-2]["methods"] == ["tv", "cg_sense"]
    assert runs[2]["error"] == "told to terminate"
    assert refused == 2 and runs[3]["error"] in refusal
    assert runs[3]["folder"] is runs[3]["report"] is None
    assert runs[0]["error"] == failed
    assert (runs[-1]["items"], runs[-1]["origin"]["kind"]) == (1, "command")
    assert [run["id"] for run in proxflow("runs", "--state", "crashed", *at)[1]["runs"]] == [record.id]

    figures = proxflow("stats", *at)[1]
    assert figures["runs"] == 6
    assert figures["states"] == {"failed": 1, "crashed": 1, "interrupted": 1, "refused": 1, "done": 2}
    stages = {stage["name"]: stage for stage in figures["stages"]}
    # found: in the comparison, and as far as they came by those refused, interrupted and failed
    assert (stages["ingest"]["computed"], stages["ingest"]["found"]) == (1, 4)
    assert (stages["reconstruct:tv"]["computed"], stages["reconstruct:tv"]["found"]) == (1, 1)
    assert (stages["reconstruct:cg_sense"]["computed"], stages["reconstruct:cg_sense"]["found"]) == (1, 0)
    assert stages["ingest"]["median_seconds"] == runs[-1]["stages"][0]["seconds"]
    speed = figures["throughput"]
    assert speed["scans"] == 2
    assert speed["seconds"] == pytest.approx(first["seconds"] + again["seconds"], abs=0.5)
    assert speed["items_per_hour"] == pytest.approx(2 * 3600 / speed["seconds"])
    assert {failure["error"] for failure in figures["failures"]} >= {failed, runs[3]["error"]}
    assert 0 < figures["store"]["bytes"] <= figures["store"]["limit_bytes"] == 20 << 30


def failing_run(proxflow: Any, recipe: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run that diverges; its sentence."""
    from proxflow.operators.cartesian_sense import CartesianSense

    normal = CartesianSense.normal
    with monkeypatch.context() as broken:
        broken.setattr(CartesianSense, "normal", lambda self, x: -30 * normal(self, x))
        code, run, _ = proxflow("run", recipe, "--set", "reconstruct.n_iter=13")
    assert code == 1
    return str(run["error"])


def test_ctrl_c_is_an_interruption(long_run: Any, ledger: RunLedger) -> None:
    process, record = long_run()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    ended = ledger.record(record.id)
    assert ended is not None and ended.state == "interrupted"
    assert [stage.name for stage in ended.stages] == ["ingest", "prepare", "calibrate"]


def test_what_cannot_be_cancelled_is_one_sentence(
    proxflow: Any, recipe: Path, store: Path, long_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(*tokens: object) -> str:
        code, run, err = proxflow("cancel", *tokens, "--store", store)
        assert code == 2
        assert run["status"] == "bad_input"
        assert len(err.strip().splitlines()) == 1
        return str(run["error"])

    _, done, _ = proxflow("run", recipe)
    assert refusal(done["run"]) == f"RUN must be a run that goes on, got {done['run']}, which is done"
    assert "RUN must be a run of" in refusal("unheard-of")
    process, record = long_run("--set", "name=unending")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(processes.socket, "gethostname", lambda: "elsewhere")
        assert f"RUN must go on on this machine, got {record.id}" in refusal(record.id)
    with monkeypatch.context() as later:
        later.setattr(processes, "process_started", lambda pid: 1)
        assert "RUN must be of a live process" in refusal("unending")  # the number is another process's now
    assert process.poll() is None
    assert proxflow("cancel", "unending", "--store", store)[0] == 0
    assert process.wait(60) == 143


def test_a_name_of_several_runs_is_refused_with_their_ids(
    proxflow: Any, store: Path, ledger: RunLedger, recipe: Path
) -> None:
    proxflow("run", recipe)
    (done,) = ledger.records()
    alive = [ledger.claim(), ledger.claim()]
    for claim in alive:
        claim.write(done.model_copy(update={"id": claim.id, "state": "running"}))
    code, run, _ = proxflow("cancel", "small", "--store", store)
    assert code == 2
    assert all(claim.id in run["error"] for claim in alive)
    for claim in alive:
        claim.release()


def test_tables_are_for_people(
    recipe: Path, store: Path, proxflow: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    from proxflow.flows.cli.main import main

    def shown(*tokens: object) -> str:
        with pytest.raises(SystemExit) as left:
            main([str(token) for token in (*tokens, "--store", store)])
        assert not left.value.code
        return capfd.readouterr().out

    _, run, _ = proxflow("run", recipe, "--out", "result")
    runs, stats = shown("runs"), shown("stats", "--since", "1h")
    assert run["run"] in runs and "done" in runs and "result/report.html" in runs
    assert "1 runs of the last 1h: 1 done" in stats and "reconstruct:tv" in stats and "scans/h" in stats
    assert "0 runs" in shown("stats", "--since", "0min")
    assert "no such runs" in shown("runs", "--state", "crashed")


def test_bad_questions_are_one_sentence(proxflow: Any, tmp_path: Path) -> None:
    for tokens, sentence in [
        (("runs", "--last", 0), "--last must be at least 1, got 0"),
        (("stats", "--since", "yesterday"), "--since must be a time like 30min, 12h, 7d or 4w, or all"),
        (("runs", "--store", tmp_path), "--store must be the folder of a store, with runs in it"),
    ]:
        code, run, err = proxflow(*tokens)
        assert code == 2
        assert sentence in run["error"]
        assert len(err.strip().splitlines()) == 1


def test_a_run_does_not_fail_for_its_ledger(proxflow: Any, recipe: Path, store: Path) -> None:
    store.mkdir()
    (store / "runs").write_text("a file in its place")
    code, run, err = proxflow("run", recipe, "--out", "result")
    assert code == 0
    assert err.count("the run's record could not be written") == 1
    assert "could not be written" in Path(run["run_dir"], "log.txt").read_text()


def test_metrics_json_tells_seconds_memory_and_bytes_of_each_stage(proxflow: Any, recipe: Path) -> None:
    _, run, _ = proxflow("run", recipe)
    document = json.loads(Path(run["run_dir"], "metrics.json").read_text())
    assert [stage["name"] for stage in document["stages"]] == [stage["name"] for stage in run["stages"]]
    for stage in document["stages"]:
        assert stage["seconds"] > 0 and stage["peak_memory_bytes"] > 0
        assert stage["bytes_read"] > 0 and stage["bytes_written"] > 0
    ingest = document["stages"][0]
    scan = 5_000_000  # the shipped scan is 5.2 MB, and its k-space is copied into the store
    assert ingest["bytes_read"] > scan and ingest["bytes_written"] > scan
    _, again, _ = proxflow("run", recipe)
    kept = json.loads(Path(again["run_dir"], "metrics.json").read_text())["stages"]
    assert [stage["bytes_read"] for stage in kept] == [stage["bytes_read"] for stage in document["stages"]]


def test_a_scan_of_a_batch_is_cancelled_with_the_batch(
    proxflow: Any, spawn: Any, recipe: Path, store: Path, ledger: RunLedger
) -> None:
    batch = spawn("many", recipe, "sample://brain-13coil", "sample://brain-13coil", "--out", "batch", *LONG)
    try:
        record = wait_until(lambda: [run for run in ledger.records() if run.folder])[0]
        assert (record.origin.kind, record.origin.batch) == ("batch", "batch")
        assert record.origin.process is not None and record.origin.process.pid == batch.pid
        code, cancelled, _ = proxflow("cancel", record.id, "--store", store)
        assert (code, cancelled["ended"]) == (0, True)
        assert batch.wait(60) == 143
    finally:
        batch.kill()
        batch.communicate()
    assert {run.state for run in ledger.records()} == {"interrupted"}
