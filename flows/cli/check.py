"""``proxflow check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from proxflow.flows.cli.options import Device, Json, Set

if TYPE_CHECKING:
    from rich.console import Console

    from proxflow.tasks.check_run import RunCheck


def command(
    recipe: Annotated[Path, Parameter(help="A recipe file, or the name of a ready recipe.")],
    /,
    *,
    set_: Set = (),
    compare: Annotated[
        bool, Parameter(negative=(), help="All methods of the recipe, as `proxflow compare` runs them.")
    ] = False,
    device: Device = None,
    json: Json = False,
) -> int:
    """Hold a recipe against its scan and this machine, and estimate memory and time; touch nothing.

    The first, middle and last chosen item are read, prepared and calibrated; nothing is written.
    """
    from rich.console import Console

    from proxflow.flows.cli.recipe_run import command_text, load
    from proxflow.tasks.check_run import check_run

    loaded = load(recipe, set_, device)
    methods = loaded.methods() if compare else (loaded.reconstruct,)
    checked = check_run(loaded, methods, command_text("compare" if compare else "run", recipe, set_))
    if json:
        _print_json(_document(checked))
    else:
        _show(Console(highlight=False), checked)
    return 0


def _show(console: Console, checked: RunCheck) -> None:
    from rich.table import Table

    fit, estimates = checked.fit, checked.estimates
    shape, axes = (fit.n_items, *fit.shape), fit.info.axes
    named = axes if len(axes) == len(shape) else ("",) * len(shape)  # combinations of pixels have no axes
    sizes = " x ".join(f"{size} {axis}".strip() for size, axis in zip(shape, named, strict=True))
    sampling = "" if fit.acceleration is None else f", R = {fit.acceleration:.3f}"
    console.print(f"[green]✓[/] the recipe fits {fit.info.path.name} ({fit.info.format})", soft_wrap=True)
    console.print(
        f"  {sizes} after preparation{sampling}, reference: {fit.reference.replace('_', ' ')}, "
        f"device {checked.device}",
        soft_wrap=True,
    )
    if fit.info.n_items > len(fit.probed):
        items = "item" if len(fit.probed) == 1 else "items"
        console.print(
            f"  looked at {items} {', '.join(map(str, fit.probed))} of the file's 0 to {fit.info.n_items - 1}"
        )
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("stage")
    table.add_column("memory", justify="right")
    table.add_column("time, at most about", justify="right")
    table.add_column("in the store already", justify="center")
    known = {True: "[green]yes[/]", False: "no", None: "not looked up"}
    for stage in estimates:
        table.add_row(
            stage.label, f"{stage.memory_bytes / 2**20:.0f} MiB", f"{stage.seconds:.1f} s",
            known[checked.in_store.get(stage.label)],
        )  # fmt: skip
    console.print()
    console.print(table)
    console.print(
        f"\nAn estimate: at most about {checked.seconds:.0f} s for what is not in the store, less where a "
        f"method converges early or held-out views end it; "
        f"{checked.memory_bytes / 2**20:.0f} MiB of memory at the peak, "
        f"{checked.store_bytes / 2**20:.0f} MiB on disk. Nothing was written.",
        soft_wrap=True,
    )
    for warning in checked.warnings:
        console.print(f"[yellow]![/] {warning}", soft_wrap=True)


def _document(checked: RunCheck) -> dict[str, Any]:
    return {
        "status": "done",
        "estimate": True,
        "device": checked.device,
        "scan": str(checked.fit.info.path),
        "shape": [checked.fit.n_items, *checked.fit.shape],
        "acceleration": checked.fit.acceleration,
        "reference": checked.fit.reference,
        "stages": [
            {
                "name": stage.label,
                "memory_bytes": stage.memory_bytes,
                "seconds": round(stage.seconds, 4),
                "cached": checked.in_store.get(stage.label),
            }
            for stage in checked.estimates
        ],
        "seconds": round(checked.seconds, 4),
        "peak_memory_bytes": checked.memory_bytes,
        "store_bytes": checked.store_bytes,
        "warnings": list(checked.warnings),
    }


def _print_json(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document))
