"""A run's line in the ledger, from its start to its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from proxflow.configs.errors import RecipeError
from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.configs.runtime import parse_size
from proxflow.data.errors import ScanError
from proxflow.flows.cli.outcomes import sentence_of
from proxflow.tasks.calls import StageOutcome
from proxflow.tasks.errors import RequestError
from proxflow.tasks.memory import process_peak
from proxflow.tasks.processes import this_process
from proxflow.tasks.provenance import package_version
from proxflow.tasks.run_ledger import RunLedger
from proxflow.tasks.run_record import Origin, RunRecord, StageEntry, State

log = logging.getLogger("proxflow.run")
LONGEST_ERROR = 1000  # characters: a record is small


@dataclass(frozen=True)
class RunSubject:
    """What a run is of, as its record says it, and in the ledger of which store."""

    store_root: Path
    store_limit: str
    name: str
    modality: str
    methods: tuple[str, ...]
    scan: str


def recipe_subject(recipe: Recipe, methods: Sequence[MethodConfig]) -> RunSubject:
    """A run of ``methods`` on the recipe's scan."""
    return RunSubject(
        recipe.runtime.store_root(),
        recipe.runtime.store_limit,
        recipe.name,
        recipe.scan.kind,
        tuple(config.method for config in methods),
        str(recipe.scan.path),
    )


class RunEntry:
    """Tells the ledger of a run; a context manager, which reads off the exception how the run ended."""

    def __init__(self, subject: RunSubject, command: str, origin: Origin) -> None:
        self._ledger = RunLedger(subject.store_root)
        self._claim = self._ledger.claim()
        self._began = time.monotonic()
        self._stages: list[StageOutcome] = []
        self.id = self._claim.id
        self._record = RunRecord(
            id=self.id,
            state="running",
            recipe=subject.name,
            modality=subject.modality,
            methods=subject.methods,
            scan=subject.scan,
            command=command,
            origin=origin,
            process=this_process(),
            version=package_version(),
            store_limit_bytes=parse_size(subject.store_limit),
            started=datetime.now().astimezone(),
        )

    def __enter__(self) -> RunEntry:
        self._note()
        return self

    def folder_made(self, folder: Path) -> None:
        """The run folder is there."""
        self._note(folder=str(folder.resolve()))

    def stage_finished(self, outcome: StageOutcome) -> None:
        """A stage's artefact is there."""
        self._stages.append(outcome)

    def finished(self, report: Path, n_items: int | None = None) -> None:
        """All is written; what is left is to end. None: nothing was reconstructed."""
        self._record = self._record.model_copy(update={"report": str(report.resolve()), "items": n_items})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        scans = [outcome.file_bytes for outcome in self._stages if outcome.label == "ingest"]
        stages = tuple(StageEntry(name=outcome.label, **outcome.figures()) for outcome in tuple(self._stages))
        peaks = [outcome.peak_memory_bytes for outcome in self._stages if not outcome.cached]  # of workers
        state = _state(error)
        folder = None if state == "refused" else self._record.folder  # bad input leaves none
        try:
            self._note(
                state=state,
                folder=folder,
                error=_sentence(error),
                ended=datetime.now().astimezone(),
                seconds=round(time.monotonic() - self._began, 4),
                peak_memory_bytes=max([process_peak(), *peaks]),
                scan_bytes=scans[0] if scans else None,
                stages=stages,
            )
        finally:
            self._claim.release()
        if (fault := self._claim.fault) and error is None:  # a run that failed has said why already
            log.warning("the run's record could not be written: %s", fault)
        self._ledger.prune()

    def _note(self, **changes: Any) -> None:
        self._record = self._record.model_copy(update=changes)
        self._claim.write(self._record)


def _state(error: BaseException | None) -> State:
    if error is None:
        return "done"
    if isinstance(error, RecipeError | ScanError | RequestError):
        return "refused"
    return "failed" if isinstance(error, Exception) else "interrupted"


def _sentence(error: BaseException | None) -> str | None:
    if error is None:
        return None
    if not isinstance(error, Exception):
        return "interrupted" if type(error) is KeyboardInterrupt else "told to terminate"
    return sentence_of(error).removesuffix(": ")[:LONGEST_ERROR]
