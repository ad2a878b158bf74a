"""``proxflow train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from proxflow.flows.cli.options import Device, Json, Out, Prefect, Set

if TYPE_CHECKING:
    from proxflow.flows.training_run import FinishedTraining


def command(
    recipe: Annotated[Path, Parameter(help="A recipe file, or the name of a ready recipe.")],
    scans: Annotated[
        tuple[str, ...],
        Parameter(
            help="Scans to train on, as with `proxflow many`: files, folders, patterns, @LIST; the recipe's "
            "own if none are given."
        ),
    ] = (),
    /,
    *,
    methods: Annotated[
        str | None,
        Parameter(help="Names separated by commas, as tv,l1_wavelet; all of the recipe that can be trained."),
    ] = None,
    fraction: Annotated[
        float, Parameter(help="Of the measurements, held out from each reconstruction.")
    ] = 0.05,
    seeds: Annotated[int, Parameter(help="Times that each value is tried, with other ones held out.")] = 3,
    set_: Set = (),
    out: Out = None,
    device: Device = None,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Choose the numbers of methods by how well measurements they were not shown are predicted.

    For the regularisation weight of tv, l1_wavelet and cg_sense, the iterations of sirt and cgls, the
    residual that radar's l1 and tv_magnitude allow: a coarse grid of values, then finer ones around the
    best. No reference image is looked at. The folder holds recipe.yaml with the numbers chosen,
    training.json and training.csv with every error, and report.html.
    Every reconstruction is kept in the store: a training that was stopped goes on where it was.

    Examples:
        proxflow train mri-brain-poisson4

        proxflow train recipe.yaml scans/*.h5 --methods tv --out trained

        proxflow run trained/recipe.yaml
    """
    from rich.console import Console

    from proxflow.flows.cli.training_bar import TrainingBar
    from proxflow.flows.method_names import split_names
    from proxflow.flows.prefect_environment import server_configured
    from proxflow.flows.training_plan import plan_training
    from proxflow.flows.training_run import launch_training
    from proxflow.tasks.training.train import TrainingRequest

    names = split_names(methods) or []
    changes = [*set_, *([f"runtime.device={device}"] if device else [])]
    plan = plan_training(recipe, changes, names, TrainingRequest(scans, fraction, seeds))
    with TrainingBar(Console(stderr=True, quiet=json)) as listener:
        if prefect or server_configured():
            from proxflow.flows.train_as_flow import train_as_flow

            finished = train_as_flow(recipe, changes, plan, out=out, listener=listener)
        else:
            finished = launch_training(plan, out=out, listener=listener)
    if json:
        _print_json(finished)
    else:
        _show(finished)
    return 0


def _show(finished: FinishedTraining) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("method")
    for heading in ("chosen", "its error", "recipe had", "its error", "as good"):
        table.add_column(heading, justify="right")
    for fit in finished.training.fits:
        table.add_row(
            fit.method,
            f"{fit.number} = [bold green]{fit.chosen.value:g}[/]",
            f"{fit.chosen.error:.5f}",
            f"{fit.before:g}",
            f"{fit.as_it_was.error:.5f}",
            f"{fit.alike[0]:g} to {fit.alike[1]:g}",
        )
    console.print(table)
    for caution in finished.training.cautions:
        console.print(f"Caution: {caution}", style="yellow", soft_wrap=True)
    cached = sum(outcome.cached for outcome in finished.outcomes)
    found = f", {cached} of {len(finished.outcomes)} stages from the store" if cached else ""
    console.print(f"done in {finished.seconds:.1f} s{found}; the error is that of held-out measurements")
    console.print(f"report  {finished.report}", soft_wrap=True)
    console.print(f"recipe  {finished.folder / 'recipe.yaml'}", soft_wrap=True)


def _print_json(finished: FinishedTraining) -> None:
    import json

    folder = finished.folder.resolve()
    document = {
        "status": "done",
        "run_dir": str(folder),
        "recipe": str(folder / "recipe.yaml"),
        "report": str(finished.report.resolve()),
        "methods": {
            fit.method: {
                fit.number: getattr(fit.config, fit.number),
                "error": fit.chosen.error,
                "before": fit.before,
                "error_before": fit.as_it_was.error,
                "as_good_as_chosen": list(fit.alike),
            }
            for fit in finished.training.fits
        },
        "cautions": list(finished.training.cautions),
        "stages": len(finished.outcomes),
        "cached": sum(outcome.cached for outcome in finished.outcomes),
        "seconds": round(finished.seconds, 4),
    }
    print(json.dumps(document))
