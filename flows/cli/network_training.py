"""A planned training of a network, carried out at a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from proxflow.flows.cli.network_bar import NetworkBar
from proxflow.flows.network_plan import NetworkPlan
from proxflow.flows.network_training_run import FinishedTraining, launch_network_training
from proxflow.flows.prefect_environment import server_configured


def train_at_terminal(plan: NetworkPlan, *, out: Path | None, prefect: bool, quiet: bool) -> FinishedTraining:
    """With a bar, unless ``quiet``; as the served flow where ``prefect`` or a server is configured."""
    with NetworkBar(Console(stderr=True, quiet=quiet)) as watcher:
        if prefect or server_configured():
            from proxflow.flows.network_as_flow import train_network_as_flow

            return train_network_as_flow(plan, out=out, watcher=watcher)
        return launch_network_training(plan, out=out, watcher=watcher)
