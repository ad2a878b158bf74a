"""A training of a network from the command line as a flow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxflow.flows.as_flow import as_flow
from proxflow.flows.network_plan import NetworkPlan
from proxflow.flows.network_training_run import FinishedTraining, bar
from proxflow.flows.served_flows import SERVED
from proxflow.tasks.network_training.watcher import TrainingWatcher


def train_network_as_flow(
    plan: NetworkPlan, *, out: Path | None, watcher: TrainingWatcher
) -> FinishedTraining:
    """``launch_network_training`` as the served flow that the plan names; see ``as_flow``."""

    def load() -> Callable[[], Any]:
        flow = SERVED[plan.flow].load()
        images = {"images": list(plan.sources)} if plan.sources else {}
        return lambda: flow(
            **images,
            training=plan.config.model_dump(mode="json"),
            device=plan.device,
            checkpoint_seconds=plan.checkpoint_seconds,
            out=str(out) if out else "",
            command=plan.command,
            return_state=True,
        )

    watching = bar.set(watcher)
    try:
        finished: FinishedTraining = as_flow(load)
        return finished
    finally:
        bar.reset(watching)
