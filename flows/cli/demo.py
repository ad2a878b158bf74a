"""``proxflow demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Device, Json, Out, Prefect

RECIPES = {
    "mri": ("mri-brain-poisson4",),
    "mri-radial": ("mri-radial-brain", "mri-radial-brain24"),
    "ct": ("ct-htc2022-full", "ct-htc2022-arc90"),
    "dynamic-ct": ("dynamic-ct-red-psm",),
    "radar": ("radar-pnp-magnitude",),
}


def command(
    *,
    modality: Annotated[
        Literal["mri", "mri-radial", "ct", "dynamic-ct", "radar"],
        Parameter(
            help="mri: a 13-coil brain, undersampled four times. mri-radial: a brain from 64 spokes, and "
            "from 24 of them. ct: an acrylic disc from 360 degrees, and from 90 of them. dynamic-ct: "
            "a breathing chest, simulated, from one projection a frame. radar: a tumour in a breast phantom."
        ),
    ] = "mri",
    out: Out = None,
    device: Device = None,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """See it work on a scan, by several methods side by side.

    The scans ship with Proxflow; nothing is downloaded. Takes a minute on two cores, dynamic-ct a few.
    Where two recipes are run, --out holds a folder for each, and --json prints a line for each.
    """
    from rich.console import Console

    from proxflow.flows.cli.recipe_run import command_text, execute, load

    recipes = RECIPES[modality]
    for name in recipes:
        loaded = load(Path(name), (), device)
        text = command_text("compare", Path(name), ())
        folder = out / name if out and len(recipes) > 1 else out
        if len(recipes) > 1:
            Console(stderr=True, quiet=json, highlight=False).print(f"[bold]{name}[/]: {loaded.description}")
        execute(loaded, loaded.methods(), command=text, out=folder, prefect=prefect, as_json=json)
    return 0
