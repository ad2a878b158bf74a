"""``proxflow many``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from proxflow.flows.cli.options import Device, Json, Prefect, Set

if TYPE_CHECKING:
    from proxflow.flows.many_run import FinishedBatch


def command(
    recipe: Annotated[
        Path, Parameter(help="A recipe file or the name of a ready recipe; its scan.path is not used.")
    ],
    /,
    *scans: Annotated[
        str,
        Parameter(
            help="Scans, folders of scans, patterns such as 'day1/*.h5', sample://NAME, or @LIST, a text "
            "file with one of these on each line."
        ),
    ],
    methods: Annotated[
        str | None,
        Parameter(
            help="Compare these on every scan, as zero_filled,tv; the recipe's own alone if not given."
        ),
    ] = None,
    set_: Set = (),
    out: Annotated[
        Path | None, Parameter(name="--out", help="Folder of the batch; runs/TIME-NAME-many if not given.")
    ] = None,
    device: Device = None,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Reconstruct many scans by one recipe, each in a run folder of its own, and put them in one table.

    A scan that fails does not stop the others: the table says why. runtime.workers scans are computed at
    once. Run the same command again to go on after an interruption: what is done comes from the store.
    Exit code 1 if a scan failed.

    `proxflow many recipe.yaml 'scans/*.h5' more/ --out batch --set runtime.workers=2`
    """
    from rich.console import Console

    from proxflow.flows.batch_plan import batch_recipe, check_machine
    from proxflow.flows.cli.batch_screen import BatchScreen, show_batch
    from proxflow.flows.many_run import reconstruct_scans, scans_text
    from proxflow.flows.method_names import split_names
    from proxflow.flows.prefect_environment import server_configured
    from proxflow.tasks.batch.scan_list import find_scans

    changes = (*set_, *([f"runtime.device={device}"] if device else []))
    chosen = batch_recipe(str(recipe), changes, split_names(methods) or ())
    found = find_scans(scans, chosen.recipe.scan.reader)
    check_machine(chosen.recipe)
    with BatchScreen(Console(stderr=True, quiet=json), len(found)) as screen:
        if prefect or server_configured():
            from proxflow.flows.batch_as_flow import run_many_as_flow

            finished = run_many_as_flow(chosen, scans, out=out, listener=screen)
        else:
            finished = reconstruct_scans(
                chosen,
                found,
                command=chosen.command("many", *scans),
                source=scans_text(scans),
                out=out,
                listener=screen,
            )
    if json:
        _print_json(finished)
    else:
        show_batch(finished)
    return 0 if finished.batch.status == "done" else 1


def _print_json(finished: FinishedBatch) -> None:
    import json

    from proxflow.tasks.batch.batch_files import batch_document

    places = {"run_dir": str(finished.folder.resolve()), "report": str(finished.report.resolve())}
    print(json.dumps(batch_document(finished.batch) | places))
