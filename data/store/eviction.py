"""What the store holds, and what it lets go of."""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from proxflow.data.store.artefact import Artefact
from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.locks import is_held, unlink_unless_pinned
from proxflow.data.store.trust import check_trusted

log = logging.getLogger("proxflow.store")
STALE_SECONDS = 86_400.0
SKEW_SECONDS = 3600.0  # by which the clocks of hosts that share a store may differ


@dataclass(frozen=True)
class Entry:
    """One artefact on disk; ``used`` is when it was last made or found, seconds since the epoch."""

    path: Path
    size: int
    used: float

    @property
    def key(self) -> str:
        return self.path.stem


def entries(root: Path) -> list[Entry]:
    """All artefacts, most recently used first."""
    found = []
    for path in (root / "artefacts").glob("??/*.h5"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # evicted by another process just now
        found.append(Entry(path, status.st_size, status.st_mtime))
    return sorted(found, key=lambda entry: entry.used, reverse=True)


def evict(root: Path, limit_bytes: int) -> list[Entry]:
    """Remove least recently used artefacts until the rest fits; those in use stay.

    A use that lies in the future tells nothing of its order, as the clock was put back since: such
    artefacts go first, or those made from now on would.
    """
    held = entries(root)
    excess = sum(entry.size for entry in held) - limit_bytes
    gone = []
    future = time.time() + SKEW_SECONDS
    for entry in sorted(held, key=lambda entry: 0 if entry.used > future else entry.used):
        if excess <= 0:
            break
        if unlink_unless_pinned(entry.path):
            gone.append(entry)
            excess -= entry.size
    if gone:
        freed = sum(entry.size for entry in gone)
        log.info("store limit reached: %d least recently used artefacts evicted, %d bytes", len(gone), freed)
    return gone


def damaged_entries(root: Path) -> list[tuple[Entry, str]]:
    """Verify every artefact; those that fail, each with the reason."""
    bad = []
    for entry in entries(root):
        try:
            check_trusted(entry.path)
            with Artefact(entry.path):
                pass
        except DamagedArtefactError as error:
            bad.append((entry, str(error)))
        except FileNotFoundError:
            continue
    return bad


def remove_leftovers(root: Path, older_than: float = STALE_SECONDS) -> int:
    """Remove what killed processes left behind and artefacts set aside as damaged; bytes freed.

    What a live process works on is locked, and stays. Beyond that, files younger than ``older_than``
    seconds stay, for locks may not reach other hosts; a time in the future is taken for old as soon as it
    is that far away.
    """
    freed = 0
    for path in [*(root / "artefacts").glob("??/.*.tmp"), *root.glob("*/.part-*")]:
        freed += _remove_file(path) if _age(path) > older_than else 0
    for folder in (root / "checkpoints").glob("*"):
        held = is_held(root / "locks" / f"{folder.name}.lock")
        freed += _remove_folder(folder) if not held and _age(folder) > older_than else 0
    for path in (root / "damaged").glob("*"):
        freed += _remove_file(path)
    for path in (root / "locks").glob("*.lock"):
        unlink_unless_pinned(path)
    return freed


def _age(path: Path) -> float:
    """Seconds from the last change to now, whichever came first; none of a file that is gone."""
    try:
        return abs(time.time() - path.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def _remove_file(path: Path) -> int:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return 0  # its writer has finished just now
    return size if unlink_unless_pinned(path) else 0


def _remove_folder(folder: Path) -> int:
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    return size
