"""Digests of files outside the store, remembered while the file stays as it is."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from proxflow.data.store.keys import canonical_json, digest, file_digest

REMEMBER_FROM_BYTES = 64 << 20  # smaller files are digested faster than a memory is worth


def remembered_digest(path: Path, memory: Path) -> str:
    """BLAKE2b of a file; for a large one taken from ``memory`` if size, inode and times are unchanged.

    Of a folder, that of the names and digests of the files in it.
    """
    real = path.resolve()
    if real.is_dir():
        files = sorted(file for file in real.iterdir() if file.is_file())
        listed = [[file.name, remembered_digest(file, memory)] for file in files]
        return digest(canonical_json(listed).encode())
    status = real.stat()
    if status.st_size < REMEMBER_FROM_BYTES:
        return file_digest(real)
    seen = [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
    note = memory / f"{digest(str(real).encode())}.json"
    with suppress(OSError, ValueError):
        kept = json.loads(note.read_text())
        if kept["seen"] == seen:
            return str(kept["digest"])
    found = file_digest(real)
    with suppress(OSError):  # a store that cannot be written to only costs the time of digesting again
        memory.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"seen": seen, "digest": found}))
    return found
