"""Sealed files, before HDF5 sees them: their bytes are those that were written, and by whom."""

from __future__ import annotations

from pathlib import Path

from proxflow.data.errors import ScanError
from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.seal import check_seal, digest_in
from proxflow.data.vetting.vet import remember_own, vet_once


def check_trusted(path: Path) -> None:
    """Raise DamagedArtefactError unless the seal is right and this user wrote the file or it is harmless.

    A file that this user has not written, as in a store that several share, is looked at by another process
    once: whoever can write to a store can seal a file that makes libhdf5 crash.
    """
    seal = check_seal(path)
    try:
        vet_once(path, seal)
    except ScanError as error:
        raise DamagedArtefactError(str(error)) from None


def trust(seal: bytes) -> None:
    """Remember a file with this seal as written by this user."""
    remember_own(digest_in(seal))
