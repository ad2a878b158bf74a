"""Work on a recipe from start to finish: ledger, log, store, runner, folder. All ways to start end here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from proxflow.configs.errors import RecipeError
from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.configs.runtime import parse_size
from proxflow.data.errors import ScanError
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.cli.outcomes import explain
from proxflow.flows.late_folder import LateFolder
from proxflow.flows.run_entry import RunEntry, recipe_subject
from proxflow.flows.run_log import RunLog
from proxflow.tasks.calls import Machine
from proxflow.tasks.damage import with_damage_mended
from proxflow.tasks.devices import resolve_device
from proxflow.tasks.errors import RequestError
from proxflow.tasks.pipeline import Engine
from proxflow.tasks.plain import PlainEngine
from proxflow.tasks.reporting import Reporter, listen
from proxflow.tasks.run_record import Origin
from proxflow.tasks.runners.open_runner import open_runner
from proxflow.tasks.runners.runner import Runner

log = logging.getLogger("proxflow.run")
COMMAND = Origin()


class RunEngine(Engine, Protocol):
    """An engine with threads of its own."""

    def close(self) -> None:
        """Wait for what is still computed, after a failure; nothing new begins."""


class Result(Protocol):
    """What work gives: the page a person reads, and over how many items it is."""

    @property
    def report(self) -> Path: ...

    @property
    def n_items(self) -> int: ...


R = TypeVar("R", bound=Result)
EngineFactory = Callable[[Machine, ArtefactStore, Runner], RunEngine]
Work = Callable[[RunEngine, ArtefactStore, Callable[[], Path]], R]
"""(engine, store, folder) -> result; ``folder()`` is the run folder, made at its first call."""


@dataclass(frozen=True)
class Carried(Generic[R]):
    """Work that is done. ``id`` is in the ledger."""

    id: str
    folder: Path
    result: R
    seconds: float


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


def carry_out(
    recipe: Recipe,
    methods: Sequence[MethodConfig],
    work: Work[R],
    *,
    command: str,
    out: Path | None,
    listener: Reporter,
    engine: EngineFactory = PlainEngine,
    origin: Origin = COMMAND,
) -> Carried[R]:
    """Do ``work`` with all it needs, and keep the store's ledger of runs.

    Bad input leaves nothing behind but a line in the ledger; any other failure leaves its log in the run
    folder, if it came after the scan was read: before that there is no folder yet.
    """
    began = time.monotonic()
    entry = RunEntry(recipe_subject(recipe, methods), command, origin)
    with RunLog(entry.id) as run_log, entry:
        machine = machine_for(recipe)
        store = ArtefactStore(machine.store_path, machine.store_limit)
        folder = LateFolder(recipe, out, listener, run_log, entry)
        previous = listen(folder)
        log.info("recipe %s, store %s, device %s", recipe.name, machine.store_root, machine.device)
        try:
            with open_runner(recipe.runtime) as runner:
                made = engine(machine, store, runner)
                result = _guarded(made, runner, folder, lambda: work(made, store, folder.create))
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
        entry.finished(result.report, result.n_items)
        seconds = time.monotonic() - began
        log.info("done in %.2f s, %s", seconds, folder.create())
    return Carried(entry.id, folder.create(), result, seconds)


def _guarded(engine: RunEngine, runner: Runner, folder: LateFolder, work: Callable[[], R]) -> R:
    """``work()``, once more where an artefact was found damaged.

    After a failure what other threads and workers are at is stopped before it is raised.
    """
    try:
        return with_damage_mended(work)
    except BaseException:
        folder.stop()
        runner.close(abandon=True)
        raise
    finally:
        engine.close()
