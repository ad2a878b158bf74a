"""What every scan in an HDF5 file shares: it is opened, described and closed alike."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from proxflow.data.errors import ScanError
from proxflow.data.readers.hdf5_file import kept_open, own_dataset, read_all
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

    def _scalar(self, name: str) -> float | None:
        """The number stored under ``name``, None where there is none; ScanError for anything else."""
        if name not in self._file:
            return None
        dataset = own_dataset(self._file, self._path, name)
        if dataset.shape != () or dataset.dtype.kind != "f":
            raise ScanError(
                f"{self._path.name}: {name} must be one float, got {dataset.dtype} of shape {dataset.shape}"
            )
        return float(read_all(self._path, dataset))

    def close(self) -> None:
        self._file.close()
