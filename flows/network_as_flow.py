"""A training of a network from the command line as a flow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxflow.flows.as_flow import as_flow
from proxflow.flows.denoiser_plan import DenoiserPlan
from proxflow.flows.diffusion_plan import DiffusionPlan
from proxflow.flows.network_training_run import FinishedTraining, bar
from proxflow.flows.volume_plan import VolumePlan
from proxflow.tasks.network_training.watcher import TrainingWatcher


def train_denoiser_as_flow(
    plan: DenoiserPlan, *, out: Path | None, watcher: TrainingWatcher
) -> FinishedTraining:
    """``launch_network_training`` as the flow ``train-denoiser``; see ``as_flow``."""

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

    return _watched(load, watcher)


def train_diffusion_as_flow(
    plan: DiffusionPlan, *, out: Path | None, watcher: TrainingWatcher
) -> FinishedTraining:
    """``launch_network_training`` as the flow ``train-diffusion``; see ``as_flow``."""

    def load() -> Callable[[], Any]:
        from proxflow.flows.train_diffusion import train_diffusion

        return lambda: train_diffusion(
            images=list(plan.sources),
            training=plan.config.model_dump(mode="json"),
            device=plan.device,
            checkpoint_seconds=plan.checkpoint_seconds,
            out=str(out) if out else "",
            command=plan.command,
            return_state=True,
        )

    return _watched(load, watcher)


def train_volumes_as_flow(
    plan: VolumePlan, *, out: Path | None, watcher: TrainingWatcher
) -> FinishedTraining:
    """``launch_network_training`` as the flow ``train-volumes``; see ``as_flow``."""

    def load() -> Callable[[], Any]:
        from proxflow.flows.train_volumes import train_volumes

        return lambda: train_volumes(
            training=plan.config.model_dump(mode="json"),
            device=plan.device,
            checkpoint_seconds=plan.checkpoint_seconds,
            out=str(out) if out else "",
            command=plan.command,
            return_state=True,
        )

    return _watched(load, watcher)


def _watched(load: Callable[[], Callable[[], Any]], watcher: TrainingWatcher) -> FinishedTraining:
    watching = bar.set(watcher)
    try:
        finished: FinishedTraining = as_flow(load)
        return finished
    finally:
        bar.reset(watching)
