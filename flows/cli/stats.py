"""``proxflow stats``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from proxflow.flows.cli.ledger import WIDE, Store, open_ledger
from proxflow.flows.cli.options import Json

if TYPE_CHECKING:
    from rich.table import Table

    from proxflow.tasks.run_ledger import RunLedger

UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def command(
    *,
    since: Annotated[str, Parameter(help="Runs that began in the last 30min, 12h, 7d, 4w; or all.")] = "7d",
    store: Store = None,
    json: Json = False,
) -> int:
    """What past runs tell: how they ended, how fast they were, what was found in the store, what failed.

    Throughput is of runs that computed an image, per hour of their own time: runs that found it in the
    store are left out. Seconds, bytes and memory of a stage are those of its computations.

    `proxflow stats --since 30d`
    """
    from proxflow.tasks.run_statistics import run_statistics

    ledger = open_ledger(store)
    began = _began(since)
    records = [run for run in ledger.records() if began is None or run.started >= began]
    figures = run_statistics(records) | {"store": _store(ledger)}
    if json:
        import json as text

        print(text.dumps({"status": "done", "since": began.isoformat() if began else None, **figures}))
    else:
        _show(figures, since)
    return 0


def _began(since: str) -> datetime | None:
    from proxflow.tasks.errors import RequestError

    if since == "all":
        return None
    match = re.fullmatch(r"(\d{1,5})(min|h|d|w)", since)
    if match is None:
        raise RequestError(f"--since must be a time like 30min, 12h, 7d or 4w, or all, got {since!r}")
    return datetime.now().astimezone() - timedelta(**{UNITS[match[2]]: int(match[1])})


def _store(ledger: RunLedger) -> dict[str, Any]:
    """The store's size, and its limit as the latest run had it."""
    from proxflow.configs.runtime import RuntimeConfig, parse_size
    from proxflow.data.store.eviction import entries

    root = ledger.folder.parent
    latest = next(ledger.records(), None)
    limit = latest.store_limit_bytes if latest else parse_size(RuntimeConfig().store_limit)
    held = entries(root)
    size = sum(entry.size for entry in held)
    return {"path": str(root), "artefacts": len(held), "bytes": size, "limit_bytes": limit}


def _show(figures: dict[str, Any], since: str) -> None:
    from rich.console import Console

    from proxflow.tasks.report.numbers import bytes_text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    store = figures["store"]
    when = "of all time" if since == "all" else f"of the last {since}"
    states = ", ".join(f"{count} {state}" for state, count in sorted(figures["states"].items()))
    console.print(f"[bold]{figures['runs']} runs[/] {when}{': ' if states else ''}{states}")
    if figures["stages"]:
        for line in _lines(figures):
            console.print(line)
        console.print(_stages(figures["stages"]))
    for failure in figures["failures"]:
        times = f"{failure['count']} x {failure['state']}, latest {failure['latest']}"
        console.print(f"{times}: {failure['error']}", markup=False, soft_wrap=True)
    size, limit = bytes_text(store["bytes"]), bytes_text(store["limit_bytes"])
    console.print(f"store {store['path']}: {store['artefacts']} artefacts, {size} of {limit}", soft_wrap=True)


def _lines(figures: dict[str, Any]) -> list[str]:
    from proxflow.tasks.report.numbers import bytes_text, seconds_text

    speed, total = figures["throughput"], figures["found"] + figures["computed"]
    read, written = bytes_text(figures["bytes_read"]), bytes_text(figures["bytes_written"])
    lines = [
        f"from the store: {figures['found']} of {total} stages, {_percent(figures['hit_rate'])}; "
        f"computed: {read} read, {written} written, peak memory {bytes_text(figures['peak_memory_bytes'])}"
    ]
    if speed["scans_per_hour"] is not None:
        lines.append(
            f"throughput: {speed['scans_per_hour']:.4g} scans/h, {speed['items_per_hour']:.4g} items/h, "
            f"{speed['scan_bytes_per_second'] / 1e6:.3g} MB/s of scan data "
            f"(over {speed['scans']} runs, {seconds_text(speed['seconds'])})"
        )
    return lines


def _stages(stages: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    from proxflow.tasks.report.numbers import bytes_text, seconds_text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("stage", no_wrap=True)
    for name in ("computed", "from store", "median", "90 %", "peak memory", "read", "written"):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in stages:
        times = [stage["median_seconds"], stage["p90_seconds"]]
        sizes = [stage["peak_memory_bytes"], stage["bytes_read"], stage["bytes_written"]]
        table.add_row(
            stage["name"],
            str(stage["computed"]),
            _percent(stage["hit_rate"]),
            *("–" if time is None else seconds_text(time) for time in times),
            *(bytes_text(size) for size in sizes),
        )
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
