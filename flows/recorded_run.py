"""A run inside a Prefect flow: name and tags, stages as tasks, artifacts, a failure as one sentence."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.flows.artifacts import ArtifactReporter, publish
from proxflow.flows.late_report import CONTACT_FAULTS, present_run, server_listens, tell
from proxflow.flows.launch import Finished, launch
from proxflow.flows.prefect_engine import PrefectEngine
from proxflow.flows.prefect_origin import flow_origin
from proxflow.flows.told import hand_over, told
from proxflow.tasks.recipe_scan import divided
from proxflow.tasks.reporting import reporter

log = logging.getLogger("proxflow.run")
MADE_UP = re.compile(r"[A-Za-z]+-[A-Za-z]+")  # Prefect's own names: Incredible-Sheep, calm-otter


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
        scan = divided(self.recipe.scan)
        sample = scan.path.removeprefix("sample://")
        return [scan.kind, Path(sample).name, *(config.method for config in self.methods)]


def recorded_run(plan: Callable[[], Plan]) -> State[Any]:
    """The flow's final state, with the run's ``Finished`` as its result; see ``told`` for failures."""
    return told(lambda: _reconstructed(plan))


def _reconstructed(plan: Callable[[], Plan]) -> State[Any]:
    with refused():
        planned = plan()
    introduce(planned.title, planned.tags)
    tell("started")
    finished = _launched(planned)
    hand_over(finished)
    tell(f"done in {finished.seconds:.1f} s, report {finished.report.resolve()}")
    if server_listens():
        publish(finished, planned.recipe.name)
    return Completed(message=f"Report: {finished.report.resolve()}", data=finished)


@contextmanager
def refused() -> Iterator[None]:
    """Checks before a run: it is called refused if one fails."""
    try:
        yield
    except Exception:
        introduce("refused", [])
        raise


def introduce(title: str, tags: list[str]) -> None:
    """Give the present flow run a name and tags to find it by; a name that a person gave it stays."""
    run = present_run()
    if run is None:
        return
    run.name = title if MADE_UP.fullmatch(run.name) else run.name
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(run.id, name=run.name, tags=list(dict.fromkeys([*run.tags, *tags])))
    except CONTACT_FAULTS as fault:
        log.info("the server was not told the name %s: %s", run.name, fault)


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
