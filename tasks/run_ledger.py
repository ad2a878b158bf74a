"""The ledger: a small file for every run over a store, whoever started it and however it ended."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from proxflow.data.writers.atomic import atomic_path
from proxflow.tasks.run_record import RunRecord

KEEP = 10_000  # records; older ones go
SPARE = 500  # beyond KEEP before they go: listing them all takes time


class RunLedger:
    """``runs/ID.json`` in a store's folder, and beside it ``ID.lock``, held while the run goes on.

    The kernel lets go of the lock when its holder dies, so a record that says ``running`` and is not
    locked is of a run that crashed. Locks must reach across the hosts that share the store; where they
    do not, runs of other hosts look crashed while they go on.

    An id is the run's start, in UTC, and random digits, so that names sort by time. No order of time is
    relied on beyond that: where the clock was put back, runs are listed in the order of their ids.
    """

    def __init__(self, store_root: Path) -> None:
        self.folder = store_root.expanduser().resolve() / "runs"

    def claim(self) -> RunClaim:
        """A new id, locked by this process. A run never fails for its ledger: a claim that could not be
        made knows its ``fault`` and writes nothing."""
        claim = RunClaim(self.folder, new_id())
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            while not claim.lock():
                claim = RunClaim(self.folder, new_id())
        except OSError as error:
            claim.fault = error
        return claim

    def ids(self) -> list[str]:
        """Of all runs, the latest first."""
        return sorted((path.stem for path in self.folder.glob("[!.]*.json")), reverse=True)

    def records(self) -> Iterator[RunRecord]:
        """All runs, the latest first; what is no record is passed over."""
        for run in self.ids():
            if (record := self.record(run)) is not None:
                yield record

    def record(self, run: str) -> RunRecord | None:
        """One run, by its whole id; None if there is none."""
        record = self._read(run)
        if record is None or record.state != "running" or is_locked(self.folder / f"{run}.lock"):
            return record
        record = self._read(run)  # its last word comes before it lets go of the lock
        if record is None or record.state != "running":
            return record
        return record.model_copy(update={"state": "crashed"})

    def prune(self, keep: int = KEEP, spare: int = SPARE) -> None:
        """Where there are ``spare`` more runs than ``keep``, forget the oldest, but none that goes on."""
        with suppress(OSError):  # a store that cannot be written to keeps them
            runs = self.ids()
            for run in runs[keep:] if len(runs) > keep + spare else []:
                lock = self.folder / f"{run}.lock"
                if not is_locked(lock):
                    (self.folder / f"{run}.json").unlink(missing_ok=True)
                    lock.unlink(missing_ok=True)

    def _read(self, run: str) -> RunRecord | None:
        try:
            return RunRecord.model_validate_json((self.folder / f"{run}.json").read_bytes())
        except (OSError, ValidationError):
            return None


class RunClaim:
    """A run that goes on, in its process: writes its record, and holds its lock.

    fault: why it is not in the ledger, if it is not.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self.id = run
        self.fault: OSError | None = None
        self._record, self._lock_file = folder / f"{run}.json", folder / f"{run}.lock"
        self._lock: int | None = None

    def lock(self) -> bool:
        """Take the lock; False if the id is taken. OSError where no file can be made or locked."""
        if self._record.exists():
            return False
        try:
            self._lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            return False
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except BaseException:
            self.release()
            raise
        return True

    def write(self, record: RunRecord) -> None:
        """Replace what the ledger says of this run. An error ends up in ``fault``, and in all later writes
        nothing is done."""
        if self.fault is None:
            try:
                with atomic_path(self._record) as temporary:
                    temporary.write_text(record.model_dump_json())
            except OSError as error:
                self.fault = error

    def release(self) -> None:
        """Let go of the lock, after the last ``write``."""
        if self._lock is not None:
            with suppress(OSError):
                self._lock_file.unlink()
            os.close(self._lock)
            self._lock = None


def new_id() -> str:
    """``261121-175713-3fa9c1``: the time in UTC, its 1/4096 seconds in hexadecimal, and random digits."""
    now = datetime.now(UTC)
    return f"{now:%y%m%d-%H%M%S}-{now.microsecond * 4096 // 10**6:03x}{secrets.randbelow(4096):03x}"


def is_locked(path: Path) -> bool:
    """Whether a live process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
