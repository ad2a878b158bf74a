"""One training from start to finish: store, caller, log, folder. Every way to start one comes here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.carry_out import COMMAND, EngineFactory, RunEngine, carry_out
from proxflow.tasks.calls import StageCall, StageOutcome
from proxflow.tasks.pipeline import Engine
from proxflow.tasks.plain import PlainEngine
from proxflow.tasks.reporting import Reporter
from proxflow.tasks.run_record import Origin
from proxflow.tasks.training.samples import TrainingListener
from proxflow.tasks.training.train import Training, TrainingRequest, train
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


@dataclass(frozen=True)
class _Trained:
    training: Training
    outcomes: tuple[StageOutcome, ...]
    report: Path
    n_items: int


def launch_training(
    plan: TrainingPlan,
    *,
    out: Path | None,
    listener: Listener,
    engine: EngineFactory = PlainEngine,
    origin: Origin = COMMAND,
) -> FinishedTraining:
    """Fit all methods and write the folder; see ``carry_out`` for what a failure leaves."""

    def work(calls: RunEngine, store: ArtefactStore, folder: Callable[[], Path]) -> _Trained:
        stages = RecordingEngine(calls)
        training = train(plan.recipe, plan.methods, plan.request, stages, store, listener)
        report = write_training_folder(folder(), training, plan.recipe, plan.source, plan.command)
        for caution in training.cautions:
            log.info("caution: %s", caution)
        return _Trained(training, tuple(stages.outcomes), report, len(stages.outcomes))

    done = carry_out(
        plan.recipe.model_copy(update={"name": f"{plan.recipe.name}-train"}),
        plan.methods,
        work,
        command=plan.command,
        out=out,
        listener=listener,
        engine=engine,
        origin=origin,
    )
    trained = done.result
    return FinishedTraining(done.folder, trained.report, trained.training, trained.outcomes, done.seconds)


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
