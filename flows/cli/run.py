"""``proxflow run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from proxflow.flows.cli.options import Device, Json, Out, Prefect, Set


def command(
    recipe: Annotated[
        Path, Parameter(help="A recipe file, or the name of a ready recipe, as ct-htc2022-full.")
    ],
    /,
    *,
    set_: Set = (),
    out: Out = None,
    device: Device = None,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Reconstruct one scan as its recipe says.

    Stages already in the store are not computed again; a run that was killed goes on where it was.

    `proxflow run recipe.yaml --set reconstruct.lam=0.005 --out result`
    """
    from proxflow.flows.cli.recipe_run import command_text, execute, load

    loaded = load(recipe, set_, device)
    text = command_text("run", recipe, set_)
    execute(loaded, (loaded.reconstruct,), command=text, out=out, prefect=prefect, as_json=json)
    return 0
