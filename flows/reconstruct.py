"""The Prefect flows: the same run as the plain command line's, recorded as a flow of tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from proxflow.configs.loading import validate_recipe
from proxflow.flows.artifacts import ArtifactReporter, publish
from proxflow.flows.embedded_server import tie_to_this_process
from proxflow.flows.launch import Finished, launch
from proxflow.flows.prefect_engine import PrefectEngine
from proxflow.flows.prefect_origin import flow_origin
from proxflow.tasks.reporting import reporter


@flow(name="reconstruct", flow_run_name="{name}", persist_result=False, validate_parameters=False)
def reconstruct(name: str, recipe: dict[str, Any], command: str = "", out: str | None = None) -> Finished:
    """Reconstruct one scan by the recipe's method.

    recipe: a whole recipe as plain values, as in a recipe file; paths absolute.
    """
    return _run(recipe, None, command, out)


@flow(name="compare", flow_run_name="{name}", persist_result=False, validate_parameters=False)
def compare(
    name: str,
    recipe: dict[str, Any],
    methods: list[str] | None = None,
    command: str = "",
    out: str | None = None,
) -> Finished:
    """Reconstruct one scan by several methods, in one report; those of the recipe if none are named."""
    chosen = validate_recipe(recipe)
    names = methods or [config.method for config in chosen.methods()]
    return _run(recipe, names, command, out)


def with_workers(run: Any, workers: int) -> Any:
    """The flow with as many threads as the recipe wants."""
    return run.with_options(task_runner=ThreadPoolTaskRunner(max_workers=workers))


def _run(recipe: dict[str, Any], names: list[str] | None, command: str, out: str | None) -> Finished:
    tie_to_this_process()
    checked = validate_recipe(recipe)
    methods = checked.methods(names) if names else (checked.reconstruct,)
    finished = launch(
        checked,
        methods,
        command=command,
        out=Path(out) if out else None,
        listener=ArtifactReporter(reporter()),
        engine=PrefectEngine,
        origin=flow_origin(),
    )
    publish(finished, checked.name)
    return finished
