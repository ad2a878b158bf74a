"""The artefact store: every stage's output, computed once, kept by what decides it."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.data.store.errors import DamagedArtefactError, StoreError
from proxflow.data.store.eviction import evict
from proxflow.data.store.guarded_file import GuardedFile
from proxflow.data.store.locks import exclusive, pin
from proxflow.data.store.seal import SEAL_BYTES, seal_of
from proxflow.data.store.trust import check_trusted, trust
from proxflow.data.store.uninterrupted import uninterrupted
from proxflow.data.writers.atomic import sync_to_disk

log = logging.getLogger("proxflow.store")
NO_SPACE = "No space left on device"


@dataclass(frozen=True)
class Ref:
    """A small reference to an artefact, passed between tasks instead of arrays."""

    stage: str
    key: str
    digest: str


class ArtefactStore:
    """A folder of artefacts, ``artefacts/ab/abcd….h5``, shared by any number of processes.

    Writing is atomic (temporary file in the same folder, flush, fsync, rename) and under a per-key
    lock; a hit verifies every byte; a damaged file is moved to ``damaged/``, said in the log and
    computed again. Artefacts in use by a live process are pinned; beyond ``limit_bytes`` the
    least recently used others are evicted.

    Raises StoreError where the folder cannot be used or the disk is full.
    """

    def __init__(self, root: Path, limit_bytes: int | None = None) -> None:
        self.root = root.expanduser().resolve()
        self.limit_bytes = limit_bytes
        self._pins: dict[str, int] = {}
        try:
            (self.root / "artefacts").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                error.errno, f"store must be a writable folder: {error.strerror}", str(root)
            ) from None

    def path(self, key: str) -> Path:
        """Where the artefact with this key lies."""
        return self.root / "artefacts" / key[:2] / f"{key}.h5"

    def checkpoint_folder(self, key: str) -> Path:
        """Where a stage keeps what it needs to go on after it was killed."""
        return self.root / "checkpoints" / key

    def get_or_make(
        self,
        stage: str,
        key: str,
        make: Callable[[ArtefactWriter], Mapping[str, Any]],
        on_wait: Callable[[], None] | None = None,
    ) -> tuple[Ref, bool]:
        """The artefact of ``key`` and whether it was there already.

        ``make`` fills the writer and returns the provenance. One process computes; others that ask for
        the same key meanwhile wait (``on_wait`` is called once) and then find it.
        """
        try:
            if (ref := self.find(stage, key)) is not None:
                return ref, True
            with exclusive(self.root / "locks" / f"{key}.lock", on_wait):
                if (ref := self.find(stage, key)) is not None:
                    return ref, True
                ref = Ref(stage, key, self._write(key, make))
        except (OSError, RuntimeError) as error:
            self._raise_plainly(error)
            raise
        shutil.rmtree(self.checkpoint_folder(key), ignore_errors=True)
        if self.limit_bytes is not None:
            evict(self.root, self.limit_bytes)
        return ref, False

    def find(self, stage: str, key: str) -> Ref | None:
        """A verified artefact, or None; a damaged one is moved aside first."""
        path = self.path(key)
        if not path.exists():
            return None
        try:
            self._pin(key)
            check_trusted(path)
            with Artefact(path) as artefact:
                if artefact.provenance.get("key") != key:
                    raise DamagedArtefactError(f"{path.name} must hold the key of its name")
                found = Ref(stage, key, artefact.digest)
        except FileNotFoundError:
            self._unpin(key)  # what it held is no longer the file of that name
            return None
        except DamagedArtefactError as error:
            self._set_aside(path, stage, error)
            return None
        with suppress(OSError):  # a read-only store still serves hits; only eviction order suffers
            os.utime(path)
        return found

    def open(self, ref: Ref) -> Artefact:
        """Open for reading; DamagedArtefactError if it is broken or gone."""
        try:
            return Artefact(self.path(ref.key))
        except FileNotFoundError:
            raise DamagedArtefactError(
                f"{ref.key}.h5 must stay in the store while a run uses it, got none there"
            ) from None

    def let_go(self, ref: Ref) -> None:
        """Take the pin off one artefact: a caller that reads thousands would run out of descriptors."""
        self._unpin(ref.key)

    def release(self) -> None:
        """Let go of all pins: eviction may take what this process used."""
        while self._pins:
            os.close(self._pins.popitem()[1])

    def _pin(self, key: str) -> None:
        if key not in self._pins:
            self._pins[key] = pin(self.path(key))

    def _unpin(self, key: str) -> None:
        if (descriptor := self._pins.pop(key, None)) is not None:
            os.close(descriptor)

    def _set_aside(self, path: Path, stage: str, error: Exception) -> None:
        target = self.root / "damaged" / f"{path.stem}-{secrets.token_hex(6)}.h5"
        self._unpin(path.stem)
        try:
            target.parent.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):  # another process moved it first
                path.replace(target)
        except OSError:
            log.warning("damaged artefact of stage %s cannot be set aside: %s", stage, error)
            raise
        log.warning("damaged artefact of stage %s set aside, it is computed again: %s", stage, error)

    def _raise_plainly(self, error: OSError | RuntimeError) -> None:
        """StoreError for a full disk or a folder without permission; HDF5 hides errno in its text."""
        code = getattr(error, "errno", None)
        if code == errno.ENOSPC or NO_SPACE in str(error):
            free = shutil.disk_usage(self.root).free
            what = f"store must have room on its disk, {free / 2**20:.1f} MiB are free"
            raise StoreError(errno.ENOSPC, what, str(self.root)) from None
        ours = str(getattr(error, "filename", "")).startswith(str(self.root))
        if ours and code == errno.ENOENT:
            raise StoreError(code, "store must stay in place while a run uses it", str(self.root)) from None
        if ours and code in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StoreError(code, f"store must be writable: {os.strerror(code)}", str(self.root)) from None

    def _write(self, key: str, make: Callable[[ArtefactWriter], Mapping[str, Any]]) -> str:
        path = self.path(key)
        temporary = path.parent / f".{key}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        guarded = GuardedFile(temporary)
        try:
            alive = pin(temporary)  # goes with the file when it is renamed: nobody can evict it in between
            self._unpin(key)
            self._pins[key] = alive
            content, seal = _fill(guarded, key, make)
            guarded.sync()
            temporary.replace(path)
            trust(seal)
        except BaseException:
            self._unpin(key)
            with suppress(OSError):
                temporary.unlink()
            raise
        finally:
            guarded.close()
        sync_to_disk(path.parent)
        return content


def _fill(
    guarded: GuardedFile, key: str, make: Callable[[ArtefactWriter], Mapping[str, Any]]
) -> tuple[str, bytes]:
    """Write a whole artefact; the digest of its content, and its seal."""
    file: h5py.File | None = None
    try:
        with (
            uninterrupted()
        ):  # as it ends, a signal that was held back is raised: the file must be closed then
            file = h5py.File(guarded, "w", libver=("v110", "v110"), userblock_size=SEAL_BYTES)
        writer = ArtefactWriter(file, guarded)
        content = writer.finish({**make(writer), "key": key})
    finally:
        with uninterrupted():
            if file is not None:
                file.close()
    seal = seal_of(guarded)
    guarded.seek(0)
    guarded.write(seal)
    return content, seal
