"""``proxflow runs``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from proxflow.flows.cli.ledger import STYLES, WIDE, Store, open_ledger
from proxflow.flows.cli.options import Json

if TYPE_CHECKING:
    from proxflow.flows.prefect_runs import ServerRun
    from proxflow.tasks.run_ledger import RunLedger
    from proxflow.tasks.run_record import RunRecord

MOST_ALIVE = 1000  # of the latest runs, those a server may still call alive


def command(
    *,
    last: Annotated[int, Parameter(help="How many, the latest first.")] = 20,
    state: Annotated[
        Literal["running", "done", "failed", "refused", "interrupted", "crashed"] | None,
        Parameter(help="Only runs in this state."),
    ] = None,
    store: Store = None,
    json: Json = False,
) -> int:
    """List recent runs: when, how they ended, how long they took and where the report is.

    Runs started by a command, by a schedule and in the Prefect UI are all there. `crashed` ended without a
    word, as by SIGKILL; `interrupted` by Ctrl-C or a cancellation; `refused` is bad input. Where
    PREFECT_API_URL is set, what the server has planned or just started is listed first.

    `proxflow runs --last 5 --state failed`
    """
    from proxflow.tasks.errors import RequestError

    if last < 1:
        raise RequestError(f"--last must be at least 1, got {last}")
    ledger = open_ledger(store)
    chosen = list(islice((run for run in ledger.records() if state in (None, run.state)), last))
    waiting = [] if state else _on_server(ledger, last)
    if json:
        import json as text

        server = [run._asdict() for run in waiting]
        documents = [run.document() for run in chosen]
        print(
            text.dumps({"status": "done", "ledger": str(ledger.folder), "runs": documents, "server": server})
        )
        return 0
    _show(chosen, waiting, ledger.folder)
    return 0


def _on_server(ledger: RunLedger, last: int) -> list[ServerRun]:
    """What the server has and the ledger has not; one line on standard error if it does not answer."""
    import sys

    from proxflow.flows.prefect_environment import server_configured
    from proxflow.tasks.errors import RequestError

    if not server_configured():
        return []
    from proxflow.flows.prefect_runs import waiting_runs

    recent = islice(ledger.records(), MOST_ALIVE)
    have = {run.origin.flow_run_id for run in recent if run.origin.kind != "batch"}
    try:
        return [run for run in waiting_runs() if run.id not in have][:last]
    except RequestError as error:
        print(f"proxflow: {error}", file=sys.stderr)
        return []


def _show(runs: list[RunRecord], waiting: list[ServerRun], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    if not runs and not waiting:
        console.print(f"no such runs in {folder}", soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("run", "started", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("recipe", overflow="fold")
    table.add_column("report, or what went wrong", overflow="fold")
    for planned in waiting:
        what = Text(f"{planned.flow} {planned.name}")
        table.add_row(planned.id[:8], _moment(planned.expected), planned.state, "", what, "")
    for run in runs:
        table.add_row(*_row(run))
    console.print(table)


def _row(run: RunRecord) -> list[Any]:
    from datetime import UTC, datetime

    from rich.text import Text

    from proxflow.tasks.report.numbers import seconds_text

    seconds = run.seconds
    if run.state == "running":
        seconds = max(0.0, (datetime.now(UTC) - run.started).total_seconds())
    told = run.error if run.error or run.report is None else _nearby(run.report)
    return [
        run.id,
        _moment(run.started.isoformat()),
        Text(run.state, style=STYLES.get(run.state, "yellow")),
        "" if seconds is None else seconds_text(seconds),
        Text(f"{run.recipe} {', '.join(run.methods)}"),
        Text(told or ""),
    ]


def _nearby(path: str) -> str:
    """Relative to the working folder where it lies in it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _moment(text: str | None) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}" if text else ""
