"""``proxflow demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Device, Json, Out, Prefect

RECIPES = {
    "mri": "mri-brain-poisson4",
    "mri-radial": "mri-radial-brain",
    "ct": "ct-htc2022-arc90",
    "radar": "radar-merit-breast",
}


def command(
    *,
    modality: Annotated[
        Literal["mri", "mri-radial", "ct", "radar"],
        Parameter(
            help="mri: a 13-coil brain, undersampled four times. mri-radial: a brain from 64 spokes. ct: an "
            "acrylic disc from 90 of 360 degrees. radar: a tumour in a breast phantom."
        ),
    ] = "mri",
    out: Out = None,
    device: Device = None,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """See it work on a measured scan, by several methods side by side.

    The scans ship with Proxflow; nothing is downloaded. Takes a minute or less on two cores.
    """
    from proxflow.flows.cli.recipe_run import command_text, execute, load

    recipe = Path(RECIPES[modality])
    loaded = load(recipe, (), device)
    text = command_text("compare", recipe, ())
    execute(loaded, loaded.methods(), command=text, out=out, prefect=prefect, as_json=json)
    return 0
