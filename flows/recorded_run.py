"""A run inside a Prefect flow: name and tags, stages as tasks, artifacts, a failure as one sentence."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.flows.artifacts import ArtifactReporter, publish
from proxflow.flows.embedded_server import tie_to_this_process
from proxflow.flows.flow_failure import failed
from proxflow.flows.late_report import CONTACT_FAULTS, server_listens, tell
from proxflow.flows.launch import Finished, launch
from proxflow.flows.prefect_engine import PrefectEngine
from proxflow.flows.prefect_origin import flow_origin
from proxflow.tasks.reporting import reporter

MADE_UP = re.compile(r"[A-Za-z]+-[A-Za-z]+")  # Prefect's own names: Incredible-Sheep, calm-otter
REFUSED = "refused"  # the name of a run that could not be started

# Where the caller in this process finds the outcome if Prefect cannot hand it over for want of a server.
outcomes: ContextVar[list[Finished | Exception] | None] = ContextVar("outcomes", default=None)


@dataclass(frozen=True)
class Plan:
    """A run that can be started. ``command`` is what makes it again, typed in the run folder."""

    recipe: Recipe
    methods: tuple[MethodConfig, ...]
    command: str
    out: Path | None = None

    @property
    def title(self) -> str:
        return f"{self.recipe.name} {', '.join(config.method for config in self.methods)}"

    @property
    def tags(self) -> list[str]:
        """Modality, sample, methods."""
        scan = self.recipe.scan
        sample = scan.path.removeprefix("sample://")
        return [scan.kind, Path(sample).name, *(config.method for config in self.methods)]


def recorded_run(plan: Callable[[], Plan]) -> State[Any]:
    """The flow's final state: with the run's ``Finished`` as its result, or failed with one sentence."""
    tie_to_this_process()
    logging.raiseExceptions = False  # a record that finds no server is no reason to print
    name = REFUSED
    try:
        planned = plan()
        name = introduce(planned.title, planned.tags)
        tell(f"{name}: started")
        finished = _launched(planned)
    except Exception as error:
        _hand_over(error)
        if name == REFUSED:
            introduce(name, [])
        return failed(name, error)
    _hand_over(finished)
    tell(f"{name}: done in {finished.seconds:.1f} s, report {finished.report.resolve()}")
    if server_listens(name):
        publish(finished, planned.recipe.name)
    return Completed(message=f"Report: {finished.report.resolve()}", data=finished)


def introduce(title: str, tags: list[str]) -> str:
    """Give the present flow run a name and tags to find it by; a name that a person gave it stays."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return title
    run = context.flow_run
    name = title if MADE_UP.fullmatch(run.name) else run.name
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(run.id, name=name, tags=list(dict.fromkeys([*run.tags, *tags])))
    except CONTACT_FAULTS as fault:
        logging.getLogger("proxflow.run").info("run keeps its name %s: %s", run.name, fault)
    return name


def _launched(plan: Plan) -> Finished:
    listener = ArtifactReporter(reporter())
    try:
        return launch(
            plan.recipe,
            plan.methods,
            command=plan.command,
            out=plan.out,
            listener=listener,
            engine=PrefectEngine,
            origin=flow_origin(),
        )
    finally:
        listener.close()


def _hand_over(outcome: Finished | Exception) -> None:
    waiting = outcomes.get()
    if waiting is not None:
        waiting.append(outcome)
