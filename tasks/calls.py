"""Calls of stages: what is to be done, where, what became of it, and what a stage function is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxflow.data.store.artefact import Artefact
from proxflow.data.store.store import Ref


@dataclass(frozen=True)
class Machine:
    """Where a stage runs; of these only ``device`` is part of a key, by its type.

    ``memory_bytes`` is what operators may keep in memory, None for their own choice.
    """

    store_root: str
    store_limit: int
    device: str
    checkpoint_seconds: float
    memory_bytes: int | None = None

    @property
    def store_path(self) -> Path:
        return Path(self.store_root)


@dataclass(frozen=True)
class StageCall:
    """One stage to be run: small, JSON values only, so that any task runner can carry it.

    Attributes:
        stage: name in ``STAGES``.
        label: name for people, such as ``reconstruct:tv``.
        config: the stage's own part of the recipe; all of it decides the result.
        inputs: artefacts it reads, by the name the stage knows them by.
        files: files outside the store it reads, by name; their content decides, their place does not.
    """

    stage: str
    label: str
    config: dict[str, Any]
    inputs: dict[str, Ref] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StageOutcome:
    """What became of a call. ``seconds``, ``peak_memory_bytes`` and the bytes read and written are those of
    the computation, also when it happened in an earlier run; ``elapsed`` is what this call took.
    ``file_bytes`` is the size of the files outside the store that the stage stands on."""

    label: str
    ref: Ref
    cached: bool
    seconds: float
    peak_memory_bytes: int
    device: str
    elapsed: float
    bytes_read: int | None = None
    bytes_written: int | None = None
    file_bytes: int = 0

    def figures(self) -> dict[str, Any]:
        """What metrics.json, the ledger and the log tell of a stage beside its name."""
        return {
            "key": self.ref.key,
            "cached": self.cached,
            "seconds": self.seconds,
            "elapsed": round(self.elapsed, 4),
            "peak_memory_bytes": self.peak_memory_bytes,
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "device": self.device,
        }


@dataclass(frozen=True)
class StageContext:
    """What a stage function is given beside the writer."""

    label: str
    config: dict[str, Any]
    inputs: Mapping[str, Artefact]
    files: Mapping[str, Path]
    machine: Machine
    checkpoints: Path
