"""Files of ``torch.save``, read without running what is in them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError  # what torch raises
from typing import Any

import torch

from proxflow.data.errors import ScanError


def load_torch_file(
    path: Path,
    holds: str,
    *,
    most_bytes: int,
    stand_ins: Sequence[tuple[type, str]] = (),
    mapped: bool = False,
) -> Any:
    """What a file of ``torch.save`` holds, on the CPU.

    Torch's restricted unpickler reads it: it looks no class up by name and knows tensors and plain
    containers, and ``stand_ins``, (class, the name it stands for). A file that asks for anything else is
    refused. ``mapped``: tensors stay in the file until they are copied, for files that hold much beside them.

    Raises ScanError, in which ``holds`` says what is wanted, on a file of another kind, damaged, or larger
    than ``most_bytes`` when unpacked.
    """
    _check_unpacked(path, most_bytes)
    try:
        with torch.serialization.safe_globals(list(stand_ins)):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except UnpicklingError as error:
        reason = str(error).partition("Please file")[0].split("\n")
        named = next((line.strip() for line in reason if "GLOBAL" in line or "nsupported" in line), "")
        raise ScanError(
            f"{path.name} must hold {holds} and nothing else, got what is not read: {named}"
        ) from error
    except Exception as error:  # there are as many kinds as there are places where a file may be damaged
        raise ScanError(f"{path.name} must be a complete file of torch.save, got {error}") from error


def _check_unpacked(path: Path, most_bytes: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ScanError(f"{path.name} must be a file of torch.save, got another kind of file") from error
    size, packed = (
        sum(m.file_size for m in members),
        [m for m in members if m.compress_type != zipfile.ZIP_STORED],
    )
    if packed:  # torch never does so, and would map what is no number
        raise ScanError(
            f"{path.name} must be an archive without compression, got {packed[0].filename} compressed"
        )
    if size > most_bytes:
        raise ScanError(f"{path.name} must unpack to at most {most_bytes >> 20} MiB, got {size} bytes")
