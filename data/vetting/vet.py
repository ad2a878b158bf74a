"""Foreign HDF5 files are looked at by another process before this one opens them."""

from __future__ import annotations

from pathlib import Path

from proxflow.data.errors import ScanError
from proxflow.data.vetting.vetted_files import VettedFiles, identity_of
from proxflow.data.vetting.vetting_process import PROCESS, CrashedError, HungError

LEAST_SECONDS = 60
BYTES_PER_SECOND = 10_000_000  # a slow disk, and texts and rows of variable length one by one
_VETTED = VettedFiles()


def vet_hdf5(path: Path) -> None:
    """Raise ScanError for a file that must not be opened here; a file that stays as it is is asked for once.

    Refused are links and storage that lead out of the file, links that lead in circles, filters that would
    load plugins, sizes beyond what the file can hold, and what libhdf5 crashes or hangs on.
    """
    vet_once(path, identity_of(path))


def vet_once(path: Path, identity: str | None) -> None:
    """``vet_hdf5`` of a file known by ``identity``, by which it is remembered if it is not None."""
    if identity is not None and identity in _VETTED:
        return
    try:
        refused = PROCESS.ask(path.resolve(), LEAST_SECONDS + path.stat().st_size // BYTES_PER_SECOND)
    except CrashedError:
        raise ScanError(f"{path} must be a readable HDF5 file, got one that libhdf5 crashes on") from None
    except HungError:
        raise ScanError(
            f"{path} must be a readable HDF5 file, got one that libhdf5 comes to no end on"
        ) from None
    if refused is not None:
        raise ScanError(f"{path.name}: {refused}")
    if identity is not None:
        _VETTED.add(identity)


def remember_own(identity: str) -> None:
    """Never ask for a file that this user wrote."""
    _VETTED.add(identity)
