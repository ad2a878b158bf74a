"""``proxflow doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from proxflow.flows.cli.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from proxflow.tasks.finding import Finding

STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def command(
    *,
    store: Annotated[
        str, Parameter(help="The store's folder; $PROXFLOW_STORE or the user's cache if not given.")
    ] = "",
    json: Json = False,
) -> int:
    """Examine this installation: libraries, devices, store, locks, sample, arithmetic.

    Exit code 1 if something failed; each line says what to do.
    """
    from rich.console import Console

    from proxflow.configs.runtime import RuntimeConfig, parse_size
    from proxflow.tasks.doctor import examine

    runtime = RuntimeConfig(store=store)
    console = Console(highlight=False, quiet=json)
    findings = []
    with Console(stderr=True, quiet=json).status("examining") as status:
        for finding in examine(runtime.store_root().resolve(), parse_size(runtime.store_limit)):
            findings.append(finding)
            status.update(f"examining; {finding.name} done")
            _show(console, finding)
    failed = any(finding.state == "fail" for finding in findings)
    if json:
        _print_json(findings, failed)
    elif failed:
        console.print("\nsomething is wrong; the lines marked fail say what to do")
    else:
        console.print("\nready: try `proxflow demo`")
    return 1 if failed else 0


def _show(console: Console, finding: Finding) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(width=4)
    table.add_column(width=11)
    table.add_row(Text(finding.state, style=STYLE[finding.state]), finding.name, Text(finding.found))
    if finding.advice:
        table.add_row("", "", Text(f"→ {finding.advice}", style=STYLE[finding.state]))
    console.print(table)


def _print_json(findings: list[Finding], failed: bool) -> None:
    import json
    from dataclasses import asdict

    document = {
        "status": "failed" if failed else "done",
        "checks": [asdict(finding) for finding in findings],
    }
    print(json.dumps(document))
