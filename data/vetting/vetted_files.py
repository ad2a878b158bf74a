"""Which files were looked at and found harmless, by what the file system says of them."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

import h5py

from proxflow.data.store.file_state import file_state, is_settled
from proxflow.data.vetting.vetting_process import WALKER

MOST_BYTES = 1 << 20  # of the memory: 25 000 files
DIGITS = 40
NO_CACHE = (OSError, UnicodeDecodeError, RuntimeError)  # the last where a user has no home, as in containers


class VettedFiles:
    """A set of file identities in this process and, beside it, in a file of the user's cache.

    The identity of a foreign file is its path and ``file_state``, with the versions of libhdf5 and of what
    was looked for; that of a sealed one is the digest of its bytes. A cache that cannot be read or written
    only costs the time of looking again.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __contains__(self, identity: str) -> bool:
        if identity not in self._known:
            with suppress(*NO_CACHE):
                self._known.update(_memory().read_text("ascii").split())
        return identity in self._known

    def add(self, identity: str) -> None:
        """Remember a file."""
        self._known.add(identity)
        with suppress(*NO_CACHE):
            memory = _memory()
            memory.parent.mkdir(parents=True, exist_ok=True)
            if memory.exists() and memory.stat().st_size > MOST_BYTES:
                shorter = memory.with_name(f".{memory.name}.{os.getpid()}")
                shorter.write_bytes(memory.read_bytes()[-MOST_BYTES // 2 // (DIGITS + 1) * (DIGITS + 1) :])
                shorter.replace(memory)
            with memory.open("ab") as file:
                file.write(identity.encode() + b"\n")


def identity_of(path: Path) -> str | None:
    """What the file is known by; None for one that changed a moment ago, and may again without a trace."""
    state = file_state(path)
    if not is_settled(state):
        return None
    seen = sorted((name, *one) for name, one in state.items())
    return hashlib.blake2b(repr((seen, _version())).encode(), digest_size=DIGITS // 2).hexdigest()


@cache
def _version() -> str:
    return h5py.version.hdf5_version + hashlib.blake2b(WALKER.read_bytes()).hexdigest()


def _memory() -> Path:
    cache_root = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache_root) if cache_root else Path.home() / ".cache") / "proxflow" / "vetted"
