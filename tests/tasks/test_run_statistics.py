"""Statistics of runs against counts made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from proxflow.tasks.processes import Process
from proxflow.tasks.run_record import Origin, RunRecord, StageEntry
from proxflow.tasks.run_statistics import CRASHED, run_statistics


def stage(name: str, cached: bool, seconds: float = 1.0, **more: int) -> StageEntry:
    return StageEntry(name=name, key="k", cached=cached, seconds=seconds, elapsed=0.1, **more)


def run(number: int, state: str = "done", *stages: StageEntry, **changes: Any) -> RunRecord:
    fields: dict[str, Any] = {
        "id": f"run-{number}", "state": state, "recipe": "r", "modality": "ct", "methods": ("fbp",),
        "scan": "s", "command": "", "origin": Origin(), "process": Process(host="h", pid=1, started=1),
        "version": "0", "store_limit_bytes": 1, "started": datetime(2026, 1, 1, tzinfo=UTC), "stages": stages,
    }  # fmt: skip
    return RunRecord(**(fields | changes))


def test_no_runs_have_no_figures() -> None:
    nothing = run_statistics([])
    assert nothing["runs"] == 0
    assert nothing["hit_rate"] is nothing["peak_memory_bytes"] is None
    assert nothing["throughput"]["scans_per_hour"] is None
    assert nothing["stages"] == nothing["failures"] == []


def test_states_and_failures_are_counted() -> None:
    runs = [
        run(1), run(2, "failed", error="no room"), run(3, "failed", error="no room"), run(4, "crashed"),
        run(5, "refused", error="bad"), run(6, "interrupted", error="Terminated"), run(7, "running"),
    ]  # fmt: skip
    found = run_statistics(runs)
    assert found["states"] == {
        "done": 1, "failed": 2, "crashed": 1, "refused": 1, "interrupted": 1, "running": 1
    }  # fmt: skip
    assert found["failures"] == [
        {"state": "failed", "error": "no room", "count": 2, "latest": "run-3"},
        {"state": "crashed", "error": CRASHED, "count": 1, "latest": "run-4"},
        {"state": "refused", "error": "bad", "count": 1, "latest": "run-5"},
    ]


def test_hits_bytes_and_percentiles_are_of_the_right_stages() -> None:
    """Ten computations of 1..10 s and two hits: median 5.5, nine tenths of ten are up to 9."""
    computed = [
        run(number, "done", stage("prepare", False, number, bytes_read=100, peak_memory_bytes=number))
        for number in range(1, 11)
    ]
    hits = [run(20 + number, "done", stage("prepare", True, 99.0, bytes_read=100)) for number in range(2)]
    found = run_statistics(
        [*computed, *hits, run(30, "failed", stage("ingest", False, 3.0, bytes_written=7))]
    )
    prepare, ingest = found["stages"]
    assert (prepare["name"], prepare["found"], prepare["computed"]) == ("prepare", 2, 10)
    assert prepare["hit_rate"] == pytest.approx(2 / 12)
    assert (prepare["median_seconds"], prepare["p90_seconds"]) == (5.5, 9.0)
    assert (prepare["bytes_read"], prepare["peak_memory_bytes"]) == (1000, 10)
    assert (ingest["median_seconds"], ingest["p90_seconds"], ingest["hit_rate"]) == (3.0, 3.0, 0.0)
    assert (found["found"], found["computed"]) == (2, 11)
    assert (found["bytes_read"], found["bytes_written"]) == (1000, 7)


def test_throughput_is_of_runs_that_computed_an_image() -> None:
    """Two such runs, 30 s and 60 s, of 4 and 5 items and 10 and 20 MB: 90 s in all."""
    runs = [
        run(1, "done", stage("reconstruct:tv", False), seconds=30.0, items=4, scan_bytes=10_000_000),
        run(2, "done", stage("reconstruct:cg_sense", False), stage("reconstruct:tv", True),
            seconds=60.0, items=5, scan_bytes=20_000_000, peak_memory_bytes=77),
        run(3, "done", stage("reconstruct:tv", True), seconds=0.1, items=4, scan_bytes=10_000_000),
        run(4, "failed", stage("reconstruct:tv", False), seconds=500.0),
    ]  # fmt: skip
    found = run_statistics(runs)
    assert found["throughput"] == {
        "scans": 2, "items": 9, "scan_bytes": 30_000_000, "seconds": 90.0, "scans_per_hour": 80.0,
        "items_per_hour": 360.0, "scan_bytes_per_second": pytest.approx(1e6 / 3),
    }  # fmt: skip
    assert found["peak_memory_bytes"] == 77
