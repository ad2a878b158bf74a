"""What the store holds, and what it lets go of."""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from proxflow.data.store.artefact import Artefact
from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.locks import unlink_unless_pinned
from proxflow.data.store.trust import check_trusted

log = logging.getLogger("proxflow.store")
STALE_SECONDS = 86_400.0


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
    """Remove least recently used artefacts until the rest fits; those in use stay."""
    held = entries(root)
    excess = sum(entry.size for entry in held) - limit_bytes
    gone = []
    for entry in reversed(held):
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

    Temporary files and checkpoints younger than ``older_than`` seconds may belong to a live run.
    """
    freed = 0
    limit = time.time() - older_than
    for path in [*(root / "artefacts").glob("??/.*.tmp"), *(root / "checkpoints").glob("*")]:
        if path.stat().st_mtime < limit:
            freed += _remove(path)
    for path in (root / "damaged").glob("*"):
        freed += _remove(path)
    return freed


def _remove(path: Path) -> int:
    if path.is_dir():
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        shutil.rmtree(path, ignore_errors=True)
        return size
    size = path.stat().st_size
    path.unlink()
    return size
