"""One reconstruction from start to finish, by one method or by several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.carry_out import COMMAND, EngineFactory, RunEngine, carry_out
from proxflow.tasks.memory import process_peak
from proxflow.tasks.pipeline import RunResult, run_stages
from proxflow.tasks.plain import PlainEngine
from proxflow.tasks.reporting import Reporter
from proxflow.tasks.run_folder import Written, write_run_folder
from proxflow.tasks.run_record import Origin


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


@dataclass(frozen=True)
class _Reconstructed:
    stages: RunResult
    written: Written

    @property
    def report(self) -> Path:
        return self.written.report

    @property
    def n_items(self) -> int:
        return self.written.n_items


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
    """Run all stages and write the run folder; see ``carry_out`` for what a failure leaves."""

    def work(calls: RunEngine, store: ArtefactStore, folder: Callable[[], Path]) -> _Reconstructed:
        stages = run_stages(recipe, methods, calls, command)
        return _Reconstructed(stages, write_run_folder(folder(), recipe, stages, store))

    done = carry_out(
        recipe, methods, work, command=command, out=out, listener=listener, engine=engine, origin=origin
    )
    written = done.result.written
    return Finished(
        done.id,
        done.folder,
        written.report,
        done.result.stages,
        written.metrics,
        written.cautions,
        done.seconds,
        process_peak(),
    )
