"""A training from the command line as a flow: on the configured server, or on Prefect's embedded one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proxflow.flows.prefect_environment import prepare_environment, server_configured
from proxflow.flows.prefect_run import drain, unreported
from proxflow.flows.server_contact import configured_server
from proxflow.flows.training_run import FinishedTraining, Listener, TrainingPlan
from proxflow.tasks.reporting import listen


def train_as_flow(
    recipe: Path, changes: Sequence[str], plan: TrainingPlan, *, out: Path | None, listener: Listener
) -> FinishedTraining:
    """``launch_training`` as a Prefect flow; ``plan`` is what ``recipe`` and ``changes`` mean.

    RequestError for a configured server that does not answer; if it goes later, the training completes.
    """
    embedded = not server_configured()
    if not embedded:
        configured_server()
    prepare_environment(quiet=True)
    from prefect.settings import get_current_settings
    from prefect.task_runners import ThreadPoolTaskRunner

    from proxflow.flows.embedded_server import start_apart
    from proxflow.flows.late_report import CONTACT_FAULTS
    from proxflow.flows.told import outcomes
    from proxflow.flows.train import train

    get_current_settings().flows.heartbeat_frequency = None  # joining its thread costs a second
    if embedded:
        start_apart()
    runner: Any = ThreadPoolTaskRunner(max_workers=plan.recipe.runtime.workers)
    kept: list[FinishedTraining | Exception] = []
    waiting, previous = outcomes.set(kept), listen(listener)
    try:
        state: Any = train.with_options(task_runner=runner)(
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
        finished: FinishedTraining = state.result()
    except CONTACT_FAULTS:
        return unreported(kept)
    finally:
        listen(previous)
        outcomes.reset(waiting)
    if embedded:
        drain(state.state_details.flow_run_id, len(finished.outcomes))
    return finished
