"""A short name for every scan of a batch, which no other has, and a folder name made of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from proxflow.data.store.keys import digest

LONGEST = 80  # characters of a folder name, without the digest
DIGEST_SHOWN = 8


def unit_names(scans: Sequence[str]) -> list[str]:
    """The scan's file name, with as many folders before it as tell it from the others: ``anna/scan.h5``."""
    parts = [_parts(scan) for scan in scans]
    names = [own[-1] for own in parts]
    for depth in range(2, max(map(len, parts), default=0) + 1):
        shared = Counter(names)
        names = [
            "/".join(own[-depth:]) if shared[name] > 1 else name
            for own, name in zip(parts, names, strict=True)
        ]
    return names


def folder_names(names: Sequence[str]) -> list[str]:
    """``names`` as names of folders, different for different names on any file system: without the suffix
    where that is clear, with a digest where letters had to go or two would be the same."""
    stems = [folder_name(str(Path(name).with_suffix(""))) for name in names]
    shared = Counter(stem.lower() for stem in stems)
    plain = [str(Path(name).with_suffix("")).replace("/", "-") for name in names]
    return [
        stem
        if shared[stem.lower()] == 1 and stem == wanted
        else f"{stem}-{digest(name.encode())[:DIGEST_SHOWN]}"
        for stem, wanted, name in zip(stems, plain, names, strict=True)
    ]


def folder_name(text: str) -> str:
    """``text`` reduced to letters, digits, dots, dashes and underscores, not hidden, not too long."""
    cleaned = re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII).strip("-.")
    return cleaned[:LONGEST] or "scan"


def _parts(scan: str) -> tuple[str, ...]:
    return tuple(part for part in scan.split("/") if part)  # of sample://NAME: "sample:" and the name
