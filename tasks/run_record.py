"""What is known of one run, as a small JSON document."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from proxflow.tasks.processes import Process

State = Literal["running", "done", "failed", "refused", "interrupted", "crashed"]


class Kept(BaseModel):
    """Part of a record. What a later version adds is ignored: versions may share a store."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Origin(Kept):
    """How a run was started.

    kind: by a ``command``, a ``schedule`` or a person's click on a ``deployment``, or as one of a
    ``batch``, whose name is ``batch`` and which ``process`` carries out. deployment, flow_run_id and
    flow_run_name are Prefect's, of the run's flow or, in a batch, of the flow that the batch is.
    """

    kind: Literal["command", "schedule", "deployment", "batch"] = "command"
    batch: str | None = None
    process: Process | None = None
    deployment: str | None = None
    flow_run_id: str | None = None
    flow_run_name: str | None = None


class StageEntry(Kept):
    """One stage of a run. ``elapsed`` is what it took in this run; seconds, peak memory and bytes are those
    of the computation, also when it happened in an earlier run."""

    name: str
    key: str
    cached: bool
    seconds: float
    elapsed: float
    peak_memory_bytes: int | None = None
    bytes_read: int | None = None
    bytes_written: int | None = None


class RunRecord(Kept):
    """One run.

    state: ``running``; ``done``; ``failed`` with an error; ``refused``, bad input; ``interrupted`` by
    Ctrl-C, SIGTERM or a cancellation; ``crashed``, ended without a word (SIGKILL, power, memory).
    seconds: by a clock that does not jump, so not always ``ended`` less ``started``.
    process: where it was computed.
    items, scan_bytes: how much was reconstructed, and the size of the scan's files.
    """

    id: str
    state: State
    recipe: str
    modality: str
    methods: tuple[str, ...]
    scan: str
    command: str
    origin: Origin
    process: Process
    version: str
    store_limit_bytes: int
    started: datetime
    ended: datetime | None = None
    error: str | None = None
    folder: str | None = None
    report: str | None = None
    stages: tuple[StageEntry, ...] = ()
    seconds: float | None = None
    peak_memory_bytes: int | None = None
    items: int | None = None
    scan_bytes: int | None = None

    def document(self) -> dict[str, Any]:
        """The record as JSON values."""
        return self.model_dump(mode="json")
