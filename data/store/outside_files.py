"""Files outside the store that a stage reads: what was digested must be what is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from proxflow.data.errors import ScanError
from proxflow.data.store.file_digests import content_digest
from proxflow.data.store.file_state import FileState, file_state, is_settled

States = dict[str, FileState]


class OutsideFiles:
    """Files by name, their digests, and their states before the digests were taken.

    Raises ScanError for a file that is gone or cannot be read.
    """

    def __init__(self, files: Mapping[str, Path], memory: Path) -> None:
        self._files = dict(files)
        self._states: dict[str, States] = {}
        self._unsettled: list[str] = []
        self.digests: dict[str, str] = {}
        for name, path in self._files.items():
            try:
                self._states[name] = file_state(path)
                if not is_settled(self._states[name]):
                    self._unsettled.append(name)
                self.digests[name] = content_digest(path, memory)
            except OSError as error:
                raise ScanError(f"{path} must be a file that can be read, got: {error.strerror}") from None

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Around reading them: ScanError unless the digests are of what was read.

        The states before the digest and after the block must agree. A file that had changed just before it
        was digested is digested once more, for its state need not show a further change.
        Whatever fails in the block is put down to a change, if there was one.
        """
        try:
            yield
        except Exception as error:
            self._check(error)
            raise
        self._check(None)

    def _check(self, cause: Exception | None) -> None:
        for name, path in self._files.items():
            if (got := self._change(name, path)) is not None:
                raise ScanError(f"{path} must stay as it is while it is read, got {got}") from cause

    def _change(self, name: str, path: Path) -> str | None:
        try:
            got = _difference(self._states[name], file_state(path))
            if got is None and name in self._unsettled and content_digest(path) != self.digests[name]:
                got = "other content"
            return got
        except OSError as error:
            return f"an error: {error.strerror}"


def _difference(before: States, after: States) -> str | None:
    if before == after:
        return None
    if before.keys() != after.keys():
        return "other files"
    name = next(name for name in before if before[name] != after[name])
    was, now = before[name], after[name]
    if (was.device, was.inode) != (now.device, now.inode):
        return "another file of that name"
    return f"{now.size} bytes instead of {was.size}" if was.size != now.size else "other content"
