"""Digests of files outside the store, remembered while the file stays as it is."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from proxflow.data.store.file_state import file_state, is_settled
from proxflow.data.store.keys import canonical_json, digest, file_digest
from proxflow.data.writers.atomic import atomic_path

REMEMBER_FROM_BYTES = 64 << 20  # smaller files are digested faster than a memory is worth


def content_digest(path: Path, memory: Path | None = None) -> str:
    """BLAKE2b of a file; for a large one taken from the folder ``memory`` if its state is unchanged.

    Of a folder, that of the names and digests of the files in it.
    """
    real = path.resolve()
    if real.is_dir():
        files = sorted(file for file in real.iterdir() if file.is_file())
        listed = [[file.name, content_digest(file, memory)] for file in files]
        return digest(canonical_json(listed).encode())
    if memory is None or real.stat().st_size < REMEMBER_FROM_BYTES:
        return file_digest(real)
    return _remembered_digest(real, memory)


def _remembered_digest(real: Path, memory: Path) -> str:
    state = file_state(real)
    seen = list(state[str(real)])
    note = memory / f"{digest(str(real).encode())}.json"
    if (known := _noted(note, seen)) is not None:
        return known
    found = file_digest(real)
    # Noted only where any change since would show; a store that cannot be written to costs time alone.
    if is_settled(state) and file_state(real) == state:
        with suppress(OSError), atomic_path(note) as temporary:
            temporary.write_text(json.dumps({"seen": seen, "digest": found}))
    return found


def _noted(note: Path, seen: list[int]) -> str | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(note.read_text())
        if kept["seen"] == seen:
            return str(kept["digest"])
    return None
