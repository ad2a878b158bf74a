"""What lies in a watched folder, and what of it has come to rest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from proxflow.data.readers.merit import COMPANIONS
from proxflow.data.readers.sidecar_yaml import SUFFIXES
from proxflow.data.store.file_digests import content_digest
from proxflow.data.store.keys import canonical_json, digest
from proxflow.tasks.batch.scan_files import companions_of, is_ignored, is_scan_folder, looks_like_scan
from proxflow.tasks.errors import RequestError

EVERYTHING = "*"
STATE = ".watch"  # marks a folder of results: nothing below it is a scan that arrived
BESIDE = (*SUFFIXES, ".hdr")  # files of a scan's own stem that belong to it

Seen = tuple[
    tuple[str, int, int, int, int], ...
]  # (path in the folder, size, inode, mtime, ctime) of each file


@dataclass(frozen=True)
class Arrival:
    """A scan in the folder; ``name`` is its path there, ``seen`` all files that it is made of."""

    name: str
    path: Path
    seen: Seen


Known = Callable[[Arrival], frozenset[str] | None]


def arrivals(
    folder: Path, pattern: str, reader: str, known: Known, settle: float
) -> tuple[list[Arrival], list[str]]:
    """The scans that are new and whole, and the names of those that still change.

    A scan is whole if two looks, ``settle`` seconds apart, see the same files with the same sizes, inodes
    and times. Times are compared with each other only, never with the clock.

    ``known`` is told what names show of a scan's files, and answers with the names of all its files if the
    scan was dealt with and is still as it was, else None.
    Raises RequestError if the folder cannot be listed.
    """
    first = _look(folder, pattern, reader, known)
    if not first:
        return [], []
    time.sleep(settle)
    second = _look(folder, pattern, reader, known)
    whole = [arrival for name, arrival in second.items() if first.get(name) == arrival]
    names = {arrival.name for arrival in whole}
    return whole, [name for name in second if name not in names]


def identity(folder: Path, arrival: Arrival, memory: Path) -> str:
    """Digest of a scan's name and of the bytes of all its files: a replaced scan is another scan.

    ``memory`` keeps the digests of large files; see ``content_digest``. OSError if one cannot be read.
    """
    contents = [[name, content_digest(folder / name, memory)] for name, *_ in arrival.seen]
    return digest(canonical_json([arrival.name, contents]).encode())


def same_as_seen(folder: Path, arrival: Arrival) -> bool:
    """Whether the files of a scan are still those that were seen."""
    return seen_of(folder, [folder / name for name, *_ in arrival.seen]) == arrival.seen


def _look(folder: Path, pattern: str, reader: str, known: Known) -> dict[str, Arrival]:
    """The scans that are not known; a file that another scan is made of is none."""
    found: dict[str, Arrival] = {}
    taken: set[str] = set()
    for path in _candidates(folder, pattern, reader):
        name = path.relative_to(folder).as_posix()
        kin = _kin(path)
        files = known(Arrival(name, path, seen_of(folder, kin)))
        if files is None:
            arrival = Arrival(name, path, seen_of(folder, kin | companions_of(path, reader)))
            files = frozenset(file for file, *_ in arrival.seen)
            found[name] = arrival
        taken |= files - {name}
    return {name: arrival for name, arrival in found.items() if name not in taken and arrival.seen}


def _candidates(folder: Path, pattern: str, reader: str) -> Iterator[Path]:
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise RequestError(f"folder must be one that can be listed, got {folder}: {error.strerror}") from None
    for path in sorted(folder.glob(pattern)):
        parts = path.relative_to(folder).parts
        if any(map(is_ignored, parts)) or _is_result(folder, parts):
            continue
        if pattern == EVERYTHING:
            fits = looks_like_scan(path, reader)
        else:
            fits = path.is_file() or is_scan_folder(path, reader)
        if fits:
            yield path


def _is_result(folder: Path, parts: tuple[str, ...]) -> bool:
    """Whether a path lies in a folder that a watch writes its results to."""
    above = [folder.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    return any((place / STATE).is_dir() for place in above)


def _kin(path: Path) -> set[Path]:
    """A scan's files as far as names tell."""
    if path.is_dir():
        beside = [path.with_name(path.name + suffix) for suffix in SUFFIXES]
        return {file for file in path.iterdir() if file.is_file()} | {
            file for file in beside if file.is_file()
        }
    beside = [path.with_suffix(suffix) for suffix in BESIDE]
    if path.suffix.lower() == ".csv":
        beside += [path.with_name(name) for name in COMPANIONS]
    return {path} | {file for file in beside if file.is_file()}


def seen_of(folder: Path, files: Iterable[Path]) -> Seen:
    """What the file system says of ``files`` now; empty where one of them is gone."""
    rows = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            return ()
        name = Path(os.path.relpath(file, folder)).as_posix()
        rows.append((name, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(sorted(rows))
