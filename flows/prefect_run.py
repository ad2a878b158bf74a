"""A reconstruction from the command line as a flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.flows.as_flow import as_flow
from proxflow.flows.launch import Finished
from proxflow.tasks.reporting import Reporter, listen


def launch_as_flow(
    recipe: Recipe, methods: Sequence[MethodConfig], *, command: str, out: Path | None, listener: Reporter
) -> Finished:
    """``launch`` as a Prefect flow; see ``as_flow``."""

    def load() -> Callable[[], Any]:
        from proxflow.flows.recipe_flows import named_flow

        run = named_flow("reconstruct" if len(methods) == 1 else "compare")
        return lambda: run(
            recipe=recipe.model_dump(mode="json"),
            methods=[config.method for config in methods],
            command=command,
            out=str(out) if out else None,
            return_state=True,
        )

    previous = listen(listener)
    try:
        finished: Finished = as_flow(load)
        return finished
    finally:
        listen(previous)
