"""From a recipe on the command line to a finished run on the screen: what run, compare and demo share."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxflow.configs.methods import MethodConfig
    from proxflow.configs.recipe import Recipe
    from proxflow.flows.launch import Finished


def load(recipe: Path, overrides: Sequence[str], device: str | None) -> Recipe:
    """The recipe of a file, or a ready one by name, with the command line's changes."""
    from proxflow.configs.catalogue import recipe_path
    from proxflow.configs.loading import load_recipe

    changes = [*overrides, *([f"runtime.device={device}"] if device else [])]
    return load_recipe(recipe_path(recipe), changes)


def command_text(verb: str, recipe: Path, overrides: Sequence[str], *more: str) -> str:
    """The command that makes the run again; the report shows it."""
    changes = [part for override in overrides for part in ("--set", override)]
    return shlex.join(["proxflow", verb, str(recipe), *changes, *more])


def execute(
    recipe: Recipe,
    methods: Sequence[MethodConfig],
    *,
    command: str,
    out: Path | None,
    prefect: bool,
    as_json: bool,
) -> Finished:
    """Run with progress on standard error, and show the result on standard output."""
    from rich.console import Console

    from proxflow.flows.cli.progress import TerminalReporter
    from proxflow.flows.prefect_environment import server_configured

    screen = Console(stderr=True, quiet=as_json)
    with TerminalReporter(screen) as listener:
        if prefect or server_configured():
            from proxflow.flows.prefect_run import launch_as_flow

            finished = launch_as_flow(recipe, methods, command=command, out=out, listener=listener)
        else:
            from proxflow.flows.launch import launch

            finished = launch(recipe, methods, command=command, out=out, listener=listener)
    if as_json:
        print(json.dumps(summary(finished)))
    else:
        show(finished)
    return finished


def summary(finished: Finished) -> dict[str, Any]:
    """What ``--json`` prints. ``metrics`` are those of the delivered image."""
    main, *others = finished.metrics
    document: dict[str, Any] = {
        "status": "done",
        "run": finished.id,
        "run_dir": str(finished.folder.resolve()),
        "image": str((finished.folder / "image.h5").resolve()),
        "report": str(finished.report.resolve()),
        "metrics": finished.metrics[main],
        "cautions": list(finished.cautions),
        "stages": [
            {
                "name": outcome.label,
                "key": outcome.ref.key,
                "cached": outcome.cached,
                "seconds": round(outcome.elapsed, 4),
                "peak_memory_bytes": outcome.peak_memory_bytes,
                "bytes_read": outcome.bytes_read,
                "bytes_written": outcome.bytes_written,
            }
            for outcome in finished.result.outcomes
        ],
        "seconds": round(finished.seconds, 4),
        "peak_memory_bytes": finished.peak_memory_bytes,
    }
    if others:
        document["methods"] = finished.metrics
    return document


def show(finished: Finished) -> None:
    """The comparison table, what was cached, and where the report is."""
    from rich.console import Console

    from proxflow.flows.cli.metric_table import metric_table

    console = Console(highlight=False)
    console.print(metric_table(finished))
    for caution in finished.cautions:
        console.print(caution, style="yellow")
    cached = sum(outcome.cached for outcome in finished.result.outcomes)
    stages = len(finished.result.outcomes)
    found = f", {cached} of {stages} stages from the store" if cached else ""
    console.print(
        f"done in {finished.seconds:.1f} s{found}, peak memory {finished.peak_memory_bytes / 2**20:.0f} MiB"
    )
    console.print(f"report  {finished.report}", soft_wrap=True)
    console.print(f"image   {finished.folder / 'image.h5'}", soft_wrap=True)
