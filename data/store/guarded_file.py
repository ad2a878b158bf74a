"""A file for HDF5 to write to that survives a full disk."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any


class GuardedFile(io.RawIOBase):
    """Binary file that remembers the first failed write instead of raising it.

    HDF5 cannot recover from a write that fails: closing the file, or the next file, crashes the
    process, or the failure is dropped with what was to be written. So it is kept in ``error``, whatever
    it was, and later writes are dropped; the caller looks at ``error``, closes HDF5 in peace and throws the
    file away.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.error: BaseException | None = None
        self._file = path.open("w+b", buffering=0)
        self._position = 0

    def readable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if self.error is None:
            try:
                written = 0
                while written < size:
                    written += os.pwrite(
                        self._file.fileno(), memoryview(data)[written:], self._position + written
                    )
            except BaseException as error:
                self.error = error
        self._position += size
        return size

    def readinto(self, buffer: Any) -> int:
        count = os.preadv(self._file.fileno(), [buffer], self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (os.fstat(self._file.fileno()).st_size if base is None else base)
        return self._position

    def tell(self) -> int:
        return self._position

    def truncate(self, size: int | None = None) -> int:
        size = self._position if size is None else size
        if self.error is None:
            try:
                os.ftruncate(self._file.fileno(), size)
            except BaseException as error:
                self.error = error
        return size

    def sync(self) -> None:
        """Raise a failure kept so far, then wait until the bytes are on the disk."""
        self.check()
        os.fsync(self._file.fileno())

    def check(self) -> None:
        """Raise a failure kept so far."""
        if self.error is not None:
            raise self.error

    def flush(self) -> None:
        """Nothing waits in memory. HDF5 may ask after ``close``, when Python lets go of its objects late."""

    def close(self) -> None:
        self.error = self.error or ValueError("the file is closed")
        super().close()
        self._file.close()
