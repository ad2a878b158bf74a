"""A training of a denoiser from the command line as a flow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxflow.flows.as_flow import as_flow
from proxflow.flows.denoiser_plan import DenoiserPlan
from proxflow.flows.denoiser_training_run import FinishedDenoiser, bar
from proxflow.tasks.denoiser_training.train import TrainingWatcher


def train_denoiser_as_flow(
    plan: DenoiserPlan, *, out: Path | None, watcher: TrainingWatcher
) -> FinishedDenoiser:
    """``launch_denoiser_training`` as the flow ``train-denoiser``; see ``as_flow``."""

    def load() -> Callable[[], Any]:
        from proxflow.flows.train_denoiser import train_denoiser

        return lambda: train_denoiser(
            images=list(plan.sources),
            training=plan.config.model_dump(mode="json"),
            device=plan.device,
            checkpoint_seconds=plan.checkpoint_seconds,
            out=str(out) if out else "",
            command=plan.command,
            return_state=True,
        )

    watching = bar.set(watcher)
    try:
        finished: FinishedDenoiser = as_flow(load)
        return finished
    finally:
        bar.reset(watching)
