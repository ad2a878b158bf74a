"""Whether a file outside the store is still the one that was looked at."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

# A file system's clock ticks in milliseconds, and some in seconds: what changed less than this before it was
# looked at may have changed again since, with the same times.
SETTLED_NS = 2_000_000_000


class FileState(NamedTuple):
    """What changes when a file does: its place on the disk, size, and the times (ns) of content and inode.

    The last cannot be set by a program, as ``cp -p`` and ``rsync -t`` set the time of the content.
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int


def file_state(path: Path) -> dict[str, FileState]:
    """State of a file, or of a folder and the files in it, by path; links are followed."""
    real = path.resolve()
    found = {str(real): _state(real)}
    if real.is_dir():
        found |= {str(file): _state(file) for file in sorted(real.iterdir()) if file.is_file()}
    return found


def is_settled(state: dict[str, FileState]) -> bool:
    """Whether a change from now on would be seen in the state. Not if the last is too recent, or lies in the
    future, since the clock was put back."""
    return all(max(one.modified, one.changed) + SETTLED_NS < time.time_ns() for one in state.values())


def _state(path: Path) -> FileState:
    status = path.stat()
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
