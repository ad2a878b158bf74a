"""The flows of a run that the command line started: the recipe is checked and complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from proxflow.configs.loading import validate_recipe
from proxflow.flows.recorded_run import Plan, recorded_run


@flow(persist_result=False, validate_parameters=False)
def recipe_flow(recipe: dict[str, Any], methods: list[str], command: str = "", out: str | None = None) -> Any:
    """A whole recipe as plain values, paths absolute, by the named methods."""

    def plan() -> Plan:
        checked = validate_recipe(recipe)
        return Plan(checked, checked.methods(methods), command, Path(out) if out else None)

    return recorded_run(plan)


def named_flow(verb: str) -> Any:
    """The flow as it is listed in the UI."""
    return recipe_flow.with_options(name=verb)
