"""What a watch remembers: every scan it has dealt with, and who is dealing with one now.

One file per scan, so that any number of watchers may share the folder:

* ``locks/ID.lock``: held with ``flock`` while the scan is reconstructed; the kernel frees it when its holder
  dies.
* ``records/ID.json``: written in one step when the scan is done, or failed by its own fault. A scan with a
  record is never taken again.
* ``names/…json``: what was seen of the files of a name when they were last dealt with, so that a folder is
  looked through without reading its files.

ID is the digest of a scan's name and content. After a crash there is no record, and the lock is free: the
next pass takes the scan again, into a run folder of the same name. On a file system without working ``flock``
two watchers may compute the same scan at once; they write the same files, each in one step.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxflow.data.store.keys import canonical_json, digest
from proxflow.data.store.locks import exclusive, try_exclusive
from proxflow.data.writers.atomic import atomic_path
from proxflow.tasks.batch.outcome import ScanOutcome, State
from proxflow.tasks.watch.arrivals import STATE, Arrival, same_as_seen


@dataclass(frozen=True)
class Record:
    """One scan that was dealt with; ``files`` are the paths of all its files in the watched folder."""

    id: str
    name: str
    files: tuple[str, ...]
    outcome: ScanOutcome


class WatchState:
    """The memory of the watch on ``watched`` whose results go to ``out``."""

    def __init__(self, watched: Path, out: Path, *, retry_failed: bool = False) -> None:
        self._watched, self._retry = watched, retry_failed
        self.root = out / STATE
        for name in ("records", "names", "locks"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def known(self, arrival: Arrival) -> frozenset[str] | None:
        """The files of a scan that was dealt with and is as it was; see ``arrivals``."""
        note = _read(self._note(arrival.name))
        if note is None or (self._retry and note["state"] == "failed"):
            return None
        before = Arrival(arrival.name, arrival.path, tuple(tuple(row) for row in note["seen"]))
        if not set(arrival.seen) <= set(before.seen) or not same_as_seen(self._watched, before):
            return None
        return frozenset(name for name, *_ in before.seen)

    def claim(self, id: str) -> AbstractContextManager[bool]:
        """Hold the scan for this process; gives False where another one has it."""
        return try_exclusive(self.root / "locks" / f"{id}.lock")

    def settled(self, id: str) -> State | None:
        """How the scan ended, if it need not be taken again."""
        record = self._record(self.root / "records" / f"{id}.json")
        if record is None or (self._retry and record.outcome.state == "failed"):
            return None
        return record.outcome.state

    def finish(self, arrival: Arrival, id: str, outcome: ScanOutcome) -> None:
        """Write the record: from now on no watcher takes this scan."""
        files = [name for name, *_ in arrival.seen]
        values = {"id": id, "name": arrival.name, "files": files, "outcome": outcome.to_json()}
        _write(self.root / "records" / f"{id}.json", values)

    def remember(self, arrival: Arrival, id: str, state: State) -> None:
        """Note what was seen of a scan that has a record."""
        note = {"name": arrival.name, "id": id, "state": state, "seen": arrival.seen}
        _write(self._note(arrival.name), note)

    def latest(self, name: str) -> str | None:
        """The ID of the content that was last dealt with under ``name``."""
        note = _read(self._note(name))
        return None if note is None else str(note["id"])

    def records(self) -> list[Record]:
        """Every scan that was dealt with, the last one first."""
        read = [self._record(path) for path in self._paths()]
        found = [record for record in read if record is not None]
        return sorted(found, key=lambda record: (record.outcome.finished, record.name), reverse=True)

    def stamp(self) -> str:
        """Changes whenever a record is written."""
        listed = sorted((path.name, path.stat().st_mtime_ns) for path in self._paths())
        return digest(canonical_json(listed).encode())

    def reporting(self) -> AbstractContextManager[None]:
        """Held while the combined report is written, by one watcher at a time."""
        return exclusive(self.root / "locks" / "report.lock")

    def _paths(self) -> list[Path]:
        found = (self.root / "records").glob("*.json")
        return [path for path in found if not path.name.startswith(".")]  # what a crash left half written

    def _note(self, name: str) -> Path:
        return self.root / "names" / f"{digest(name.encode('utf-8', 'surrogateescape'))}.json"

    def _record(self, path: Path) -> Record | None:
        values = _read(path)
        if values is None:
            return None
        outcome = ScanOutcome.from_json(values["outcome"])
        return Record(values["id"], values["name"], tuple(values["files"]), outcome)


def _read(path: Path) -> dict[str, Any] | None:
    """None for a file that is not there; one that a fault of the disk has emptied counts as not there."""
    try:
        values = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def _write(path: Path, values: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(values))
