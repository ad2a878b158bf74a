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
    from proxflow.configs.methods import METHOD_SCHEMAS
    from proxflow.configs.sentences import nearest
    from proxflow.flows.cli.recipe_run import command_text, execute, load
    from proxflow.tasks.errors import RequestError

    loaded = load(recipe, set_, device)
    names = [name.strip() for name in (methods or "").split(",") if name.strip()]
    if methods is not None and not names:
        raise RequestError(f"--methods must name at least one method, got {methods!r}")
    for name in names:
        if name not in METHOD_SCHEMAS:
            hint = nearest(name, list(METHOD_SCHEMAS))
            raise RequestError(f"--methods must name known methods, got {name!r}{hint}")
    chosen = loaded.methods(list(dict.fromkeys(names)) or None)
    text = command_text("compare", recipe, set_, *(["--methods", ",".join(names)] if names else []))
    execute(loaded, chosen, command=text, out=out, prefect=prefect, as_json=json)
    return 0
