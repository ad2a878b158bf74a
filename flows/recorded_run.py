"""A run inside a Prefect flow: name and tags, stages as tasks, artifacts, a failure as one sentence."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.states import Failed

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.flows.artifacts import ArtifactReporter, publish
from proxflow.flows.cli.outcomes import explain
from proxflow.flows.embedded_server import tie_to_this_process
from proxflow.flows.launch import launch
from proxflow.flows.prefect_engine import PrefectEngine
from proxflow.flows.prefect_origin import flow_origin
from proxflow.tasks.reporting import reporter

log = logging.getLogger("proxflow.flows")
MADE_UP = re.compile(r"[A-Za-z]+-[A-Za-z]+")  # Prefect's own names: Incredible-Sheep, calm-otter


@dataclass(frozen=True)
class Plan:
    """A run that can be started. ``command`` is what a person would type, in the run folder if none else."""

    recipe: Recipe
    methods: tuple[MethodConfig, ...]
    command: str
    out: Path | None = None


def recorded_run(plan: Callable[[], Plan]) -> Any:
    """The run's ``Finished``, or the flow's Failed state: its message is one sentence, the traceback goes to
    the log below it."""
    tie_to_this_process()
    try:
        planned = plan()
        introduce(planned)
        finished = launch(
            planned.recipe,
            planned.methods,
            command=planned.command,
            out=planned.out,
            listener=ArtifactReporter(reporter()),
            engine=PrefectEngine,
            origin=flow_origin(),
        )
    except Exception as error:
        known = explain(error)
        sentence = known.sentence if known else f"{type(error).__name__}: {error}"
        get_run_logger().error(sentence, exc_info=error)
        return Failed(message=sentence, data=error)
    publish(finished, planned.recipe.name)
    return finished


def introduce(plan: Plan) -> None:
    """A name and tags to find the run by; a name that a person gave it stays."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    run, scan = context.flow_run, plan.recipe.scan
    methods = [config.method for config in plan.methods]
    sample = (
        scan.path.removeprefix("sample://") if scan.path.startswith("sample://") else Path(scan.path).name
    )
    name = f"{plan.recipe.name} {', '.join(methods)}" if MADE_UP.fullmatch(run.name) else run.name
    tags = list(dict.fromkeys([*run.tags, scan.kind, sample, *methods]))
    with get_client(sync_client=True) as client:
        client.update_flow_run(run.id, name=name, tags=tags)
