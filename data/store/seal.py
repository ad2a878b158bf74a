"""The seal of an artefact: a digest of the whole file, in the block that HDF5 leaves to its user.

Checksums inside HDF5 miss what lies between its objects, and a damaged file can crash the library that
reads them. The seal is checked on the bare bytes before HDF5 sees the file.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import BinaryIO

from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.keys import DIGEST_BYTES

SEAL_BYTES = 512  # the smallest user block HDF5 allows
WORDS = b"Proxflow artefact. BLAKE2b of all bytes after this block of 512: "
READ_BYTES = 4 << 20


def seal_of(file: BinaryIO | io.RawIOBase) -> bytes:
    """The block that belongs in front of the bytes of ``file`` after it."""
    total = hashlib.blake2b(digest_size=DIGEST_BYTES)
    file.seek(SEAL_BYTES)
    while chunk := file.read(READ_BYTES):
        total.update(chunk)
    return (WORDS + total.hexdigest().encode() + b"\n").ljust(SEAL_BYTES, b"\0")


def check_seal(path: Path) -> str:
    """The digest in the seal; DamagedArtefactError unless every byte is the one that was written."""
    with path.open("rb") as file:
        written = file.read(SEAL_BYTES)
        if written != seal_of(file):
            raise DamagedArtefactError(f"{path.name} must hold the bytes that were written")
    return digest_in(written)


def digest_in(seal: bytes) -> str:
    """The hexadecimal digest that a seal's block holds."""
    return seal[len(WORDS) : len(WORDS) + 2 * DIGEST_BYTES].decode("ascii")
