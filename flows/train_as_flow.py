"""A training from the command line as a flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from proxflow.flows.as_flow import as_flow
from proxflow.flows.training_run import FinishedTraining, Listener, TrainingPlan
from proxflow.tasks.reporting import listen


def train_as_flow(
    recipe: Path, changes: Sequence[str], plan: TrainingPlan, *, out: Path | None, listener: Listener
) -> FinishedTraining:
    """``launch_training`` as a Prefect flow; ``plan`` is what ``recipe`` and ``changes`` mean."""

    def load() -> Callable[[], Any]:
        from proxflow.flows.train import train

        return lambda: train(
            recipe=str(recipe),
            scans=list(plan.request.scans),
            methods=[config.method for config in plan.methods],
            fraction=plan.request.fraction,
            seeds=plan.request.seeds,
            changes=list(changes),
            out=str(out) if out else "",
            command=plan.command,
            return_state=True,
        )

    previous = listen(listener)
    try:
        finished: FinishedTraining = as_flow(load)
        return finished
    finally:
        listen(previous)
