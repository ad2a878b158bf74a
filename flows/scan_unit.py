"""One scan of a batch: the recipe of the batch on that scan, in a run folder of its own.

It is the unit that runners carry: an importable function of small arguments, whose answer says what became
of the scan instead of raising.
"""

from __future__ import annotations

import threading
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxflow.configs.loading import validate_recipe
from proxflow.data.store.errors import DamagedArtefactError, StoreError
from proxflow.flows.cli.outcomes import REFUSALS, explain, sentence_of
from proxflow.flows.launch import launch
from proxflow.flows.run_log import FILES as LOG_FILES
from proxflow.tasks.batch.outcome import ScanOutcome, State
from proxflow.tasks.errors import RequestError, WorkerLostError
from proxflow.tasks.run_record import Origin

if TYPE_CHECKING:
    from proxflow.flows.launch import Finished
    from proxflow.models.solvers.iteration import Iteration
    from proxflow.tasks.calls import StageOutcome

LOG_NAME = LOG_FILES[0]
_stopping = threading.Event()


@dataclass(frozen=True)
class ScanUnit:
    """What a unit is told: names and numbers only, so that it can be sent to another machine.

    recipe: as plain values, its ``scan.path`` that of this scan.  methods: the first is delivered.
    root: the batch's folder.  folder: the run folder in it.  command: what makes this scan's run again.
    origin: how the batch was started, for the ledger.
    """

    scan: str
    name: str
    recipe: dict[str, Any]
    methods: tuple[str, ...]
    root: str
    folder: str
    command: str
    origin: Origin


def reconstruct_scan(unit: ScanUnit) -> ScanOutcome:
    """Run all stages on one scan. Only an interruption is raised; any other failure is an outcome."""
    folder = Path(unit.root) / unit.folder
    try:
        recipe = validate_recipe(unit.recipe)
        methods = recipe.methods(list(unit.methods))
        finished = launch(
            recipe,
            methods,
            command=unit.command,
            out=folder,
            listener=StoppableReporter(),
            origin=unit.origin,
        )
    except Exception as error:
        return failed(unit, error)
    return _done(unit, finished)


def interrupted(unit: ScanUnit) -> ScanOutcome:
    """The outcome of a unit that was not brought to its end."""
    return ScanOutcome(unit.scan, unit.name, "interrupted", "stopped before it was done")


def stop_units(stop: bool = True) -> None:
    """End the units that threads of this process are computing at their next iteration or stage."""
    if stop:
        _stopping.set()
    else:
        _stopping.clear()


class StoppableReporter:
    """Says nothing, and raises KeyboardInterrupt once the batch is to stop."""

    def stage_started(self, label: str) -> None:
        self._leave_if_asked()

    def stage_waiting(self, label: str) -> None:
        self._leave_if_asked()

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        self._leave_if_asked()

    def items_solved(self, label: str, done: int, n_items: int) -> None:
        self._leave_if_asked()

    def stage_finished(self, outcome: StageOutcome) -> None:
        self._leave_if_asked()

    def _leave_if_asked(self) -> None:
        if _stopping.is_set():
            raise KeyboardInterrupt


def _done(unit: ScanUnit, finished: Finished) -> ScanOutcome:
    outcomes = finished.result.outcomes
    return ScanOutcome(
        scan=unit.scan,
        name=unit.name,
        state="done",
        folder=unit.folder,
        report=str(finished.report.relative_to(unit.root)),
        metrics=finished.metrics,
        cautions=finished.cautions,
        seconds=round(finished.seconds, 3),
        stages=len(outcomes),
        cached=sum(outcome.cached for outcome in outcomes),
        finished=_now(),
    )


def failed(unit: ScanUnit, error: Exception) -> ScanOutcome:
    """The outcome of a unit that ended in ``error``: the sentence that ``proxflow run`` would end in."""
    state: State = "left" if is_machine_fault(error) else "failed"
    sentence = " ".join(sentence_of(error).split())
    trace = "".join(traceback.format_exception(error)) if explain(error) is None else ""
    logged = (Path(unit.root) / unit.folder / LOG_NAME).is_file()  # of a run that began to compute
    place = unit.folder if logged else ""
    return ScanOutcome(unit.scan, unit.name, state, sentence, trace, place, finished=_now())


def is_machine_fault(error: Exception) -> bool:
    """Whether the scan may succeed as it is, once the machine is mended: a full disk, say."""
    if isinstance(error, StoreError | DamagedArtefactError | WorkerLostError):
        return True
    if isinstance(error, RequestError):  # a run folder that cannot be made is told as a wrong --out
        return isinstance(error.__context__, OSError)
    return isinstance(error, OSError) and error.errno in REFUSALS


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
