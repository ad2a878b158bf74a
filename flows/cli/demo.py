"""``proxflow demo``."""

from __future__ import annotations

from pathlib import Path

from proxflow.flows.cli.options import Device, Json, Out, Prefect

RECIPE = "mri-brain-poisson4"


def command(
    *,
    out: Out = None,
    device: Device = None,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """See it work: a measured 13-coil brain scan, undersampled four times, by four methods.

    The scan ships with Proxflow; nothing is downloaded. Takes well under a minute on two cores.
    """
    from proxflow.flows.cli.recipe_run import command_text, execute, load

    recipe = Path(RECIPE)
    loaded = load(recipe, (), device)
    text = command_text("compare", recipe, ())
    execute(loaded, loaded.methods(), command=text, out=out, prefect=prefect, as_json=json)
    return 0
