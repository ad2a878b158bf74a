"""``proxflow compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from proxflow.flows.cli.options import Device, Json, Out, Prefect, Set


def command(
    recipe: Annotated[Path, Parameter(help="A recipe file, or the name of a ready recipe.")],
    /,
    *,
    methods: Annotated[
        str | None,
        Parameter(
            help="Names separated by commas, as zero_filled,cg_sense,tv; all of the recipe if not given."
        ),
    ] = None,
    set_: Set = (),
    out: Out = None,
    device: Device = None,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Reconstruct one scan by several methods and put them side by side in one report.

    A method takes its numbers from the recipe's `reconstruct` and `compare`, else its defaults.
    """
    from proxflow.flows.cli.recipe_run import command_text, execute, load
    from proxflow.flows.method_names import split_names

    loaded = load(recipe, set_, device)
    names = split_names(methods)
    chosen = loaded.methods(names)
    text = command_text("compare", recipe, set_, *(["--methods", ",".join(names)] if names else []))
    execute(loaded, chosen, command=text, out=out, prefect=prefect, as_json=json)
    return 0
