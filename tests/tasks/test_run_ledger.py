"""The ledger of runs: what a live, an ended and a killed process leave in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proxflow.tasks import run_ledger
from proxflow.tasks.processes import Process, this_process
from proxflow.tasks.run_ledger import RunLedger
from proxflow.tasks.run_record import Origin, RunRecord


def record(run: str, **changes: Any) -> RunRecord:
    fields: dict[str, Any] = {
        "id": run,
        "state": "running",
        "recipe": "small",
        "modality": "mri-cartesian",
        "methods": ("tv",),
        "scan": "scan.h5",
        "command": "proxflow run small.yaml",
        "origin": Origin(),
        "process": this_process(),
        "version": "0",
        "store_limit_bytes": 1 << 30,
        "started": datetime(2026, 11, 21, 12, tzinfo=UTC),
    }
    return RunRecord(**(fields | changes))


@pytest.fixture
def ledger(tmp_path: Path) -> RunLedger:
    return RunLedger(tmp_path)


def keep(ledger: RunLedger, run: str, **changes: Any) -> None:
    """An ended run of this id."""
    ledger.folder.mkdir(exist_ok=True)
    (ledger.folder / f"{run}.json").write_text(record(run, **{"state": "done"} | changes).model_dump_json())


def test_a_run_goes_on_until_its_last_word(ledger: RunLedger) -> None:
    claim = ledger.claim()
    claim.write(record(claim.id))
    assert [run.state for run in ledger.records()] == ["running"]
    claim.write(record(claim.id, state="done", seconds=2.5))
    claim.release()
    (ended,) = ledger.records()
    assert (ended.id, ended.state, ended.seconds) == (claim.id, "done", 2.5)
    assert [path.name for path in ledger.folder.iterdir()] == [f"{claim.id}.json"]


def test_a_killed_run_has_crashed(ledger: RunLedger, tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom proxflow.tasks.run_ledger import RunLedger\n"
        "from proxflow.tasks.run_record import RunRecord\nclaim = RunLedger(Path(sys.argv[1])).claim()\n"
        "claim.write(RunRecord.model_validate_json(sys.argv[2]).model_copy(update={'id': claim.id}))\n"
        "print(claim.id, flush=True)\ntime.sleep(600)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path), record("").model_dump_json()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        run = process.stdout.readline().strip()
        known = ledger.record(run)
        assert known is not None and known.state == "running"
        process.send_signal(signal.SIGKILL)
    crashed = ledger.record(run)
    assert crashed is not None and crashed.state == "crashed"


def test_one_id_is_never_given_twice(ledger: RunLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["same", "same", "second", "same", "third"])
    monkeypatch.setattr(run_ledger, "new_id", lambda: next(names))
    first = ledger.claim()
    second = ledger.claim()
    first.write(record(first.id, state="done"))
    first.release()
    assert [first.id, second.id, ledger.claim().id] == ["same", "second", "third"]


def test_the_latest_come_first_also_where_the_clock_went_back(ledger: RunLedger) -> None:
    noon, before = datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)
    keep(ledger, "261121-120000-aaaaaa", started=noon, ended=before, seconds=3.0)
    keep(ledger, "261120-120001-bbbbbb", started=before, ended=before, seconds=1.0)
    assert [run.seconds for run in ledger.records()] == [3.0, 1.0]


def test_runs_of_one_second_keep_their_order() -> None:
    names = []
    for _ in range(20):
        names.append(run_ledger.new_id())
        time.sleep(0.001)
    assert names == sorted(names)


def test_what_is_no_record_is_passed_over(ledger: RunLedger) -> None:
    keep(ledger, "a")
    (ledger.folder / "b.json").write_text('{"id": "b", "state": "do')
    (ledger.folder / "c.json").write_text('{"id": "c", "state": "unheard of"}')
    newer = record("d", state="done").model_dump_json()[:-1] + ', "from_a_later_version": 1}'
    (ledger.folder / "d.json").write_text(newer)
    assert [run.id for run in ledger.records()] == ["d", "a"]


def test_the_oldest_are_forgotten_but_none_that_goes_on(ledger: RunLedger) -> None:
    for number in range(8):
        keep(ledger, f"run-{number}")
    ledger.folder.joinpath("run-1.lock").touch()  # a crashed run's
    claim = ledger.claim()  # its id begins with a digit, so it is the oldest
    claim.write(record(claim.id))
    ledger.prune(keep=5, spare=4)
    assert len(ledger.ids()) == 9  # not worth the while yet
    ledger.prune(keep=5, spare=3)
    assert ledger.ids() == ["run-7", "run-6", "run-5", "run-4", "run-3", claim.id]
    assert not ledger.folder.joinpath("run-1.lock").exists()
    claim.release()


def test_a_store_without_room_for_a_ledger_gives_a_claim_that_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file in its place")
    claim = RunLedger(tmp_path).claim()
    assert claim.fault is not None
    claim.write(record(claim.id))
    claim.release()
    assert (tmp_path / "runs").read_text() == "a file in its place"
    assert list(RunLedger(tmp_path).records()) == []


def test_a_process_is_told_from_one_that_does_not_live() -> None:
    here = this_process()
    assert here.pid == os.getpid() and here.is_here() and here.lives()
    assert not here.model_copy(update={"host": "elsewhere"}).is_here()
    assert not here.model_copy(update={"started": 1}).lives()  # its number is another process's now
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert not Process(host=here.host, pid=gone.pid, started=here.started).lives()
