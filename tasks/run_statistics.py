"""What many runs have in common: how they ended, how fast they were, what they found in the store."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import ceil
from statistics import median
from typing import Any

from proxflow.tasks.run_record import RunRecord, StageEntry

TROUBLE = ("failed", "refused", "crashed")
CRASHED = "ended without a word: killed, out of memory or out of power"
MOST_FAILURES = 10


def run_statistics(records: Iterable[RunRecord]) -> dict[str, Any]:
    """The figures of ``proxflow stats`` as JSON values; a number nothing was measured for is None.

    states: state -> number of runs.  stages: of each stage name how often its artefact was ``found`` in
    the store and how often ``computed``, and of the computations the median and the 90th percentile (by
    nearest rank) of the seconds, the bytes and the largest peak memory.  throughput: of runs that are
    done and computed an image, per hour of their own time; runs that found it would count as infinitely
    fast.  failures: the most frequent sentences, each with its number of runs and the latest of them.
    """
    runs = list(records)
    entries = [entry for run in runs for entry in run.stages]
    by_name: dict[str, list[StageEntry]] = defaultdict(list)
    for entry in entries:
        by_name[entry.name.partition(" ")[0]].append(entry)  # a training says the value after its stage
    return {
        "runs": len(runs),
        "states": dict(Counter(run.state for run in runs)),
        **_work(entries),
        "peak_memory_bytes": max((run.peak_memory_bytes or 0 for run in runs), default=0) or None,
        "throughput": _throughput(runs),
        "stages": [{"name": name} | _of_stage(same) for name, same in by_name.items()],
        "failures": _failures(runs),
    }


def _work(entries: Sequence[StageEntry]) -> dict[str, Any]:
    computed = [entry for entry in entries if not entry.cached]
    found = len(entries) - len(computed)
    return {
        "found": found,
        "computed": len(computed),
        "hit_rate": found / len(entries) if entries else None,
        "bytes_read": sum(entry.bytes_read or 0 for entry in computed),
        "bytes_written": sum(entry.bytes_written or 0 for entry in computed),
    }


def _of_stage(entries: Sequence[StageEntry]) -> dict[str, Any]:
    computed = [entry for entry in entries if not entry.cached]
    seconds = sorted(entry.seconds for entry in computed)
    return _work(entries) | {
        "median_seconds": median(seconds) if seconds else None,
        "p90_seconds": seconds[ceil(0.9 * len(seconds)) - 1] if seconds else None,
        "peak_memory_bytes": max((entry.peak_memory_bytes or 0 for entry in computed), default=0) or None,
    }


def _throughput(runs: Sequence[RunRecord]) -> dict[str, Any]:
    counted = [run for run in runs if run.state == "done" and run.seconds and _computed_an_image(run)]
    seconds = sum(run.seconds or 0.0 for run in counted)
    items = sum(run.items or 0 for run in counted)
    scanned = sum(run.scan_bytes or 0 for run in counted)
    return {
        "scans": len(counted),
        "items": items,
        "scan_bytes": scanned,
        "seconds": seconds,
        "scans_per_hour": 3600 * len(counted) / seconds if seconds else None,
        "items_per_hour": 3600 * items / seconds if seconds else None,
        "scan_bytes_per_second": scanned / seconds if seconds else None,
    }


def _computed_an_image(run: RunRecord) -> bool:
    return any(entry.name.startswith("reconstruct:") and not entry.cached for entry in run.stages)


def _failures(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[RunRecord]] = defaultdict(list)
    for run in runs:
        if run.state in TROUBLE:
            groups[run.state, run.error or CRASHED].append(run)
    most = sorted(groups.items(), key=lambda pair: len(pair[1]), reverse=True)[:MOST_FAILURES]
    return [
        {"state": state, "error": error, "count": len(same), "latest": max(run.id for run in same)}
        for (state, error), same in most
    ]
