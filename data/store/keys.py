"""Names of artefacts: a digest of everything that decides their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DIGEST_BYTES = 20
SOURCE_SUFFIXES = (".py", ".j2", ".css", ".js")


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def digest(data: bytes) -> str:
    """BLAKE2b of ``data``, 40 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


def stage_key(stage: str, config: Mapping[str, Any], inputs: Mapping[str, str], *, source: str) -> str:
    """Key of a stage's output: BLAKE2b over the stage's name, its own config, and digests.

    Args:
        config: what decides the result, as JSON values; never paths or times.
        inputs: name of each input -> digest of its content.
        source: digest of the numerical source code.
    """
    parts = {"stage": stage, "config": config, "inputs": inputs, "source": source}
    return digest(canonical_json(parts).encode())


def file_digest(path: Path) -> str:
    """BLAKE2b of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=DIGEST_BYTES)).hexdigest()


def tree_digest(root: Path, folders: Sequence[str]) -> str:
    """Digest of the source below ``root/folder`` for each folder: names and bytes, sorted."""
    total = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for folder in sorted(folders):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SOURCE_SUFFIXES:
                continue
            content = path.read_bytes()
            total.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            total.update(content)
    return total.hexdigest()
