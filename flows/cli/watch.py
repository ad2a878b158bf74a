"""``proxflow watch``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from proxflow.flows.cli.options import Device, Json, Set

LONGEST_WAIT = 86_400

if TYPE_CHECKING:
    from proxflow.flows.watch_pass import WatchPass, WatchRequest


def command(
    folder: Annotated[Path, Parameter(help="The folder in which scans arrive.")],
    /,
    *,
    recipe: Annotated[
        Path, Parameter(help="A recipe file or the name of a ready recipe; its scan.path is not used.")
    ],
    out: Annotated[
        Path | None,
        Parameter(
            name="--out",
            help="Folder of the results, and of what was done already; proxflow-NAME in the watched folder, "
            "NAME the recipe's, if not given.",
        ),
    ] = None,
    every: Annotated[float, Parameter(help="Seconds from the end of one pass to the next.")] = 60.0,
    once: Annotated[bool, Parameter(negative=(), help="Leave after one pass.")] = False,
    pattern: Annotated[
        str, Parameter(help="Names to take, as `*.h5` or `*/*.cfl`; all that look like scans if not given.")
    ] = "*",
    settle: Annotated[
        float, Parameter(help="Seconds for which a scan must not change before it counts as whole.")
    ] = 5.0,
    retry_failed: Annotated[
        bool, Parameter(negative=(), help="Take scans that failed before once more, in the first pass.")
    ] = False,
    set_: Set = (),
    device: Device = None,
    json: Json = False,
) -> int:
    """Reconstruct every scan that arrives in a folder, each exactly once.

    A file that is still being written is left until it is whole; hidden files and `*.tmp`, `*.part` are
    not looked at. A scan that is replaced by another content is a new one. A scan that failed is taken again
    when it changes, or with --retry-failed. Any number of watchers may share a folder, and one that was
    killed goes on where it was. With --once, exit code 1 if a scan failed; with --json, an object a pass.
    To have it scheduled, and seen in the Prefect UI, serve the flow `watch` instead: `proxflow serve`.

    `proxflow watch /data/scanner --recipe recipe.yaml --out /data/images --every 30`
    """
    from proxflow.flows.batch_plan import batch_recipe, check_machine
    from proxflow.flows.watch_request import watch_request
    from proxflow.tasks.errors import RequestError

    if not 0 <= every <= LONGEST_WAIT:
        raise RequestError(f"--every must be between 0 and {LONGEST_WAIT} seconds, got {every:g}")

    changes = (*set_, *([f"runtime.device={device}"] if device else []))
    request = watch_request(
        folder, batch_recipe(str(recipe), changes, ()), out, pattern, settle, retry_failed
    )
    check_machine(request.recipe.recipe)
    if once:
        return 0 if _pass(request, json).status == "done" else 1
    _watch(request, every, json)
    return 0


def _pass(request: WatchRequest, as_json: bool) -> WatchPass:
    """One pass, shown line by line, and told in a sentence or an object."""
    import json
    import time

    from rich.console import Console

    from proxflow.flows.cli.batch_screen import BatchScreen, show_tracebacks
    from proxflow.flows.watch_pass import watch_pass

    with BatchScreen(Console(stderr=True, quiet=as_json), None) as screen:
        done = watch_pass(request, screen)
    if as_json:
        print(json.dumps(done.summary()), flush=True)
    else:
        place = f"; report {done.report}" if done.outcomes else ""
        Console(highlight=False).print(f"{time.strftime('%H:%M:%S')}  {done.sentence}{place}", soft_wrap=True)
        show_tracebacks(done.outcomes)
    return done


def _watch(request: WatchRequest, every: float, as_json: bool) -> None:
    """Pass after pass until interrupted. What the machine refuses, such as a full disk, is said, and tried
    again with the next pass; bad input ends the first pass and with it the command."""
    import sys
    import time

    from proxflow.flows.cli.outcomes import explain

    first = True
    while True:
        try:
            _pass(request, as_json)
        except Exception as error:
            explained = explain(error)
            if first or explained is None:
                raise
            print(f"proxflow: {explained.sentence}", file=sys.stderr, flush=True)
        request, first = replace(request, retry_failed=False), False
        time.sleep(every)
