"""One run from start to finish: store, caller, log, run folder. Every way to start a run comes here."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from proxflow.configs.errors import RecipeError
from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.configs.runtime import parse_size
from proxflow.data.errors import ScanError
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.cli.outcomes import explain
from proxflow.flows.run_entry import RunEntry
from proxflow.flows.run_log import FILES as LOG_FILES
from proxflow.flows.run_log import RunLog
from proxflow.tasks.damage import with_damage_mended
from proxflow.tasks.devices import resolve_device
from proxflow.tasks.errors import RequestError
from proxflow.tasks.memory import process_peak
from proxflow.tasks.pipeline import Engine, RunResult, run_stages
from proxflow.tasks.plain import PlainEngine
from proxflow.tasks.reporting import Reporter, listen
from proxflow.tasks.run_folder import Written, new_run_folder, write_run_folder
from proxflow.tasks.run_record import Origin
from proxflow.tasks.runners.open_runner import open_runner
from proxflow.tasks.runners.runner import Runner
from proxflow.tasks.stage import Machine, StageOutcome

if TYPE_CHECKING:
    from proxflow.models.solvers.iteration import Iteration

log = logging.getLogger("proxflow.run")
COMMAND = Origin()
T = TypeVar("T")


class RunEngine(Engine, Protocol):
    """An engine with threads of its own."""

    def close(self) -> None:
        """Wait for what is still computed, after a failure; nothing new begins."""


EngineFactory = Callable[[Machine, ArtefactStore, Runner], RunEngine]


@dataclass(frozen=True)
class Finished:
    """A run that is done: where it lies and what it found.

    id: in the ledger.  metrics: method -> name -> number.  cautions: sentences a reader of the figures
    should see.
    """

    id: str
    folder: Path
    report: Path
    result: RunResult
    metrics: dict[str, dict[str, Any]]
    cautions: tuple[str, ...]
    seconds: float
    peak_memory_bytes: int


def machine_for(recipe: Recipe) -> Machine:
    """The recipe's runtime on this machine; RequestError for a device that is not here."""
    runtime = recipe.runtime
    return Machine(
        str(runtime.store_root().resolve()),
        parse_size(runtime.store_limit),
        resolve_device(runtime.device),
        runtime.checkpoint_seconds,
        parse_size(runtime.memory) if runtime.memory else None,
    )


def launch(
    recipe: Recipe,
    methods: Sequence[MethodConfig],
    *,
    command: str,
    out: Path | None,
    listener: Reporter,
    engine: EngineFactory = PlainEngine,
    origin: Origin = COMMAND,
) -> Finished:
    """Run all stages, write the run folder, and keep the store's ledger of runs.

    Bad input leaves nothing behind but a line in the ledger; any other failure leaves its log in the run
    folder, if it came after the scan was read: before that there is no folder yet.
    """
    began = time.monotonic()
    entry = RunEntry(recipe, methods, command, origin)
    with RunLog(entry.id) as run_log, entry:
        machine = machine_for(recipe)
        store = ArtefactStore(machine.store_path, machine.store_limit)
        folder = LateFolder(recipe, out, listener, run_log, entry)
        previous = listen(folder)
        log.info("recipe %s, store %s, device %s", recipe.name, machine.store_root, machine.device)
        try:

            def run(calls: RunEngine) -> tuple[RunResult, Written]:
                result = run_stages(recipe, methods, calls, command)
                return result, write_run_folder(folder.create(), recipe, result, store)

            with open_runner(recipe.runtime) as runner:
                result, written = _on_engine(engine(machine, store, runner), runner, folder, run)
        except (RecipeError, ScanError, RequestError):
            folder.remove()
            raise
        except BaseException as error:
            unknown = explain(error) is None and isinstance(error, Exception)
            log.error("%s: %s", type(error).__name__, error, exc_info=unknown)
            raise
        finally:
            listen(previous)
            store.release()
        entry.finished(written.report, written.n_items)
        seconds = time.monotonic() - began
        log.info("done in %.2f s, %s", seconds, folder.create())
    metrics, cautions = written.metrics, written.cautions
    peak = process_peak()
    return Finished(entry.id, folder.create(), written.report, result, metrics, cautions, seconds, peak)


def _on_engine(engine: RunEngine, runner: Runner, folder: LateFolder, run: Callable[[RunEngine], T]) -> T:
    """``run(engine)``, once more where an artefact was found damaged.

    After a failure what other threads and workers are at is stopped before it is raised.
    """
    try:
        return with_damage_mended(lambda: run(engine))
    except BaseException:
        folder.stop()
        runner.close(abandon=True)
        raise
    finally:
        engine.close()


class LateFolder:
    """Passes everything on to the listener, and makes the run folder once the scan proved readable."""

    def __init__(
        self, recipe: Recipe, out: Path | None, listener: Reporter, run_log: RunLog, entry: RunEntry
    ) -> None:
        self._recipe, self._out, self._listener = recipe, out, listener
        self._run_log, self._entry = run_log, entry
        self._made = _missing_folders(out or Path("runs"))
        logs = [] if out is None or self._made else [out / name for name in LOG_FILES]
        self._new_logs = [path for path in logs if not path.exists()]
        self._path: Path | None = None
        self._stopped = False
        self.stage_started = listener.stage_started
        self.stage_waiting = listener.stage_waiting
        self.items_solved = listener.items_solved

    def create(self) -> Path:
        """The run folder, made at the first call."""
        if self._path is None:
            self._path = new_run_folder(self._recipe.name, self._out)
            self._run_log.write_to(self._path)
            self._entry.folder_made(self._path)
        return self._path

    def remove(self) -> None:
        """Undo ``create``; what lay there before stays."""
        if self._path is None:
            return
        if self._out is None or self._made:
            shutil.rmtree(self._path, ignore_errors=True)
        for path in self._new_logs:
            path.unlink(missing_ok=True)
        for folder in self._made:
            with suppress(OSError):  # gone already, or another run's by now
                folder.rmdir()

    def stop(self) -> None:
        """End what an engine's threads still compute: the process would wait for them."""
        self._stopped = True

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._listener.iteration(label, item, n_items, iteration)

    def stage_finished(self, outcome: StageOutcome) -> None:
        self.create()
        self._entry.stage_finished(outcome)
        self._listener.stage_finished(outcome)


def _missing_folders(path: Path) -> list[Path]:
    """``path`` and the folders above it that do not exist yet, innermost first."""
    try:
        return [folder for folder in (path, *path.parents) if not folder.exists()]
    except OSError:  # a name too long, say: making the folder tells
        return [path]
