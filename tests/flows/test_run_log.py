"""log.txt and log.jsonl: what they hold, and that runs in threads of one process keep theirs apart."""

from __future__ import annotations

import contextvars
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from proxflow.flows.run_log import RunLog
from proxflow.tasks.run_ledger import RunLedger

log = logging.getLogger("proxflow.tests")
STAGES = {"ingest", "prepare", "calibrate", "reconstruct:tv", "hold_out:tv", "evaluate", "report"}


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_line_has_time_level_logger_message_run_and_the_fields_of_its_event(tmp_path: Path) -> None:
    with RunLog("run-1") as run_log:
        log.info("before there is a %s", "folder")
        run_log.write_to(tmp_path)
        log.info("stage done", extra={"event": {"stage": "prepare", "seconds": 1.5}})
        try:
            raise ValueError("of the test")
        except ValueError:
            log.error("failed", exc_info=True)
    first, second, third = lines(tmp_path)
    assert datetime.fromisoformat(first["time"]).utcoffset() is not None
    assert {key: first[key] for key in ("level", "logger", "message", "run")} == {
        "level": "INFO", "logger": "proxflow.tests", "message": "before there is a folder", "run": "run-1"
    }  # fmt: skip
    assert (second["stage"], second["seconds"]) == ("prepare", 1.5)
    assert "ValueError: of the test" in third["traceback"]
    text = (tmp_path / "log.txt").read_text()
    assert "INFO    proxflow.tests: before there is a folder" in text
    assert "ValueError: of the test" in text


def test_runs_in_threads_keep_their_records_apart(tmp_path: Path) -> None:
    """Each also says something from a thread of its own, in a copy of its context, as the engines do."""
    together = Barrier(2)

    def run(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        with RunLog(name) as run_log:
            together.wait()
            log.info("%s begins", name)
            run_log.write_to(folder)
            together.wait()
            inner = Thread(target=contextvars.copy_context().run, args=(log.info, "%s computes", name))
            inner.start()
            inner.join()
            together.wait()
        log.info("%s is over", name)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, ("one", "two")))
    for name in ("one", "two"):
        assert [line["message"] for line in lines(tmp_path / name)] == [f"{name} begins", f"{name} computes"]
        assert {line["run"] for line in lines(tmp_path / name)} == {name}


def test_a_warning_reaches_the_screen_once_whoever_says_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with RunLog("outer") as run_log:
        run_log.write_to(tmp_path)
        with RunLog("inner"):
            log.warning("look out")
            stranger = Thread(target=log.warning, args=("said by a thread of no run",))
            stranger.start()
            stranger.join()
        log.warning("and again")
        log.error("the caller says this")
    assert capfd.readouterr().err.splitlines() == [
        "proxflow: look out", "proxflow: said by a thread of no run", "proxflow: and again"
    ]  # fmt: skip
    assert [line["message"] for line in lines(tmp_path)] == ["and again", "the caller says this"]
    assert logging.getLogger("proxflow").propagate


def test_two_launches_in_threads_have_a_log_of_their_own(recipe: Path, tmp_path: Path) -> None:
    from proxflow.configs.loading import load_recipe
    from proxflow.flows.launch import launch
    from proxflow.tasks.reporting import SilentReporter

    def one(name: str) -> Any:
        changes = [f"name={name}", f"runtime.store={tmp_path / name}-store"]
        loaded = load_recipe(recipe, changes)
        return launch(
            loaded, (loaded.reconstruct,), command="", out=tmp_path / name, listener=SilentReporter()
        )

    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(one, ("left", "right")))
    assert runs[0].id != runs[1].id
    for run, name in zip(runs, ("left", "right"), strict=True):
        told = lines(tmp_path / name)
        assert {line["run"] for line in told} == {run.id}
        assert [line["message"] for line in told if line["logger"] == "proxflow.run"] == [
            f"recipe {name}, store {tmp_path / name}-store, device cpu",
            f"done in {run.seconds:.2f} s, {tmp_path / name}",
        ]
        finished = [line for line in told if "cached" in line]
        assert {line["stage"] for line in finished} == STAGES
        assert len(finished) == len(STAGES)
        assert all(line["bytes_read"] > 0 and line["bytes_written"] > 0 for line in finished)
        assert all(line["peak_memory_bytes"] > 0 for line in finished)
        (record,) = RunLedger(tmp_path / f"{name}-store").records()
        assert (record.id, record.state, record.recipe) == (run.id, "done", name)
        assert {stage.name for stage in record.stages} == STAGES
        assert len(record.stages) == len(STAGES)


def test_a_run_that_fails_unexpectedly_leaves_its_traceback(
    proxflow: Any, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.operators.cartesian_sense import CartesianSense

    def broken(self: object, x: object) -> None:
        raise RuntimeError("broken for the test")

    monkeypatch.setattr(CartesianSense, "normal", broken)
    with pytest.raises(RuntimeError, match="broken for the test"):
        from proxflow.flows.cli.main import main

        main(["run", str(recipe), "--out", str(tmp_path / "result")])
    last = lines(tmp_path / "result")[-1]
    assert last["level"] == "ERROR"
    assert "in broken" in last["traceback"]
