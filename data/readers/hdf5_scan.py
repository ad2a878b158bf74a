"""What every scan in an HDF5 file shares: it is opened, described and closed alike."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from proxflow.data.readers.hdf5_file import kept_open
from proxflow.data.scan import Scan, ScanInfo


class Hdf5Scan(Scan):
    """A scan whose file stays open until ``close``; it is closed at once if it cannot be described."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with kept_open(path) as self._file:
            self.info = self._describe()

    @abstractmethod
    def _describe(self) -> ScanInfo:
        """What the open file holds; raises ScanError if it is unsound."""

    def close(self) -> None:
        self._file.close()
