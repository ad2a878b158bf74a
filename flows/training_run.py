"""One training from start to finish: store, caller, log, folder. Every way to start one comes here."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from proxflow.configs.catalogue import recipe_path
from proxflow.configs.errors import RecipeError
from proxflow.configs.loading import load_recipe
from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.data.errors import ScanError
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.launch import EngineFactory, LateFolder, RunEngine, machine_for
from proxflow.flows.run_log import RunLog
from proxflow.tasks.errors import RequestError
from proxflow.tasks.pipeline import Engine
from proxflow.tasks.plain import PlainEngine
from proxflow.tasks.reporting import Reporter, listen
from proxflow.tasks.runners.open_runner import open_runner
from proxflow.tasks.runners.runner import Runner
from proxflow.tasks.stage import StageCall, StageOutcome
from proxflow.tasks.training.samples import TrainingListener
from proxflow.tasks.training.train import Training, TrainingRequest, methods_to_train, train
from proxflow.tasks.training.training_folder import write_training_folder

log = logging.getLogger("proxflow.run")


class Listener(Reporter, TrainingListener, Protocol):
    """Hears the stages and the candidates."""


@dataclass(frozen=True)
class TrainingPlan:
    """A training that was checked and can start.

    recipe: its name ends in ``-train``, as that of the run folder will.  source: the text of its file.
    """

    recipe: Recipe
    source: str
    methods: tuple[MethodConfig, ...]
    request: TrainingRequest
    command: str


@dataclass(frozen=True)
class FinishedTraining:
    """A training that is done. ``outcomes``: every stage it used."""

    folder: Path
    report: Path
    training: Training
    outcomes: tuple[StageOutcome, ...]
    seconds: float


def plan_training(
    recipe: Path, changes: Sequence[str], methods: Sequence[str], request: TrainingRequest, command: str
) -> TrainingPlan:
    """Load the recipe and choose the methods; RecipeError and RequestError before anything is done."""
    path = recipe_path(recipe)
    loaded = load_recipe(path, changes)
    return TrainingPlan(loaded, path.read_text("utf-8"), methods_to_train(loaded, methods), request, command)


def launch_training(
    plan: TrainingPlan, *, out: Path | None, listener: Listener, engine: EngineFactory = PlainEngine
) -> FinishedTraining:
    """Fit all methods and write the folder. Bad input leaves nothing behind, as with ``launch``."""
    began, recipe = time.monotonic(), plan.recipe
    machine = machine_for(recipe)
    store = ArtefactStore(machine.store_path, machine.store_limit)
    with RunLog() as run_log:
        named = recipe.model_copy(update={"name": f"{recipe.name}-train"})
        folder = LateFolder(named, out, listener, run_log)
        previous = listen(folder)
        log.info("training of %s, store %s, device %s", recipe.name, machine.store_root, machine.device)
        try:
            with open_runner(recipe.runtime) as runner:
                made = engine(machine, store, runner)
                training, outcomes = _train(plan, made, store, listener, runner, folder)
            report = write_training_folder(folder.create(), training, recipe, plan.source, plan.command)
        except (RecipeError, ScanError, RequestError):
            folder.remove()
            raise
        except BaseException as error:
            log.error("%s: %s", type(error).__name__, error)
            raise
        finally:
            listen(previous)
            store.release()
        for caution in training.cautions:
            log.info("caution: %s", caution)
        seconds = time.monotonic() - began
        log.info("done in %.2f s, %s", seconds, folder.create())
    return FinishedTraining(folder.create(), report, training, outcomes, seconds)


def _train(
    plan: TrainingPlan,
    engine: RunEngine,
    store: ArtefactStore,
    listener: TrainingListener,
    runner: Runner,
    folder: LateFolder,
) -> tuple[Training, tuple[StageOutcome, ...]]:
    """All fits; after a failure what other threads and workers are at is stopped before it is raised."""
    stages = RecordingEngine(engine)
    try:
        training = train(plan.recipe, plan.methods, plan.request, stages, store, listener)
    except BaseException:
        folder.stop()
        runner.close(abandon=True)
        raise
    finally:
        engine.close()
    return training, tuple(stages.outcomes)


class RecordingEngine:
    """Passes calls on, and keeps what became of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.outcomes: list[StageOutcome] = []

    def submit(self, call: StageCall) -> Any:
        """Start a call."""
        return self._engine.submit(call)

    def result(self, handle: Any) -> StageOutcome:
        """Wait for a call."""
        self.outcomes.append(self._engine.result(handle))
        return self.outcomes[-1]
