"""``proxflow cache``: look after the artefact store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from proxflow.flows.cli.options import Json

if TYPE_CHECKING:
    from proxflow.data.store.eviction import Entry

app = App(name="cache", help="Look after the store of intermediate results: ls, verify, gc.")

Store = Annotated[
    Path | None,
    Parameter(name="--store", help="The store's folder; $PROXFLOW_STORE or the user's cache if not given."),
]
KEY_SHOWN = 8  # hexadecimal digits: enough to tell artefacts apart
NAMING = ("method", "kind", "steps")  # keys whose value says enough
FIXED_WIDTH = 68  # of the columns before the last
WIDE = 160  # columns where the reader is a file or a program


@app.command
def ls(*, store: Store = None, json: Json = False) -> int:
    """List what the store holds, most recently used first."""
    from rich.console import Console

    from proxflow.configs.runtime import parse_size
    from proxflow.data.store.eviction import entries

    root, limit = _root(store), parse_size(_default_limit())
    held = entries(root)
    rows = [_row(entry) for entry in held]
    total = sum(entry.size for entry in held)
    if json:
        _print_json(
            {"status": "done", "store": str(root), "bytes": total, "limit_bytes": limit, "artefacts": rows}
        )
        return 0
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    if not held:
        console.print(f"the store {root} is empty", soft_wrap=True)
        return 0
    console.print(_table(rows, console.width))
    console.print(
        f"\n{len(held)} artefacts, {_size(total)} of {_size(limit)} (runtime.store_limit) in {root}",
        soft_wrap=True,
    )
    return 0


@app.command
def verify(*, store: Store = None, json: Json = False) -> int:
    """Read every artefact and compare it with its checksums; damaged ones are set aside.

    A damaged artefact goes to the folder `damaged` in the store, and is computed again by the next run
    that needs it. Exit code 1 if there was one.
    """
    from rich.console import Console

    from proxflow.data.store.eviction import damaged_entries, entries
    from proxflow.data.store.store import ArtefactStore

    root = _root(store)
    held = entries(root)
    with Console(stderr=True, quiet=json).status(f"verifying {len(held)} artefacts"):
        damaged = damaged_entries(root)
    if damaged:
        keeper = ArtefactStore(root)
        for entry, _ in damaged:
            keeper.find("unknown", entry.key)  # finds it damaged and sets it aside
        keeper.release()
    if json:
        document = [{"key": entry.key, "reason": reason} for entry, reason in damaged]
        _print_json({"status": "done", "verified": len(held), "damaged": document})
    else:
        console = Console(highlight=False)
        for _, reason in damaged:
            console.print(f"[red]damaged[/]  {reason}", soft_wrap=True)
        aside = f"; set aside in {root / 'damaged'}, the next run computes it again" if damaged else ""
        console.print(f"{len(held)} artefacts read, {len(damaged)} damaged{aside}", soft_wrap=True)
    return 1 if damaged else 0


@app.command
def gc(
    *,
    limit: Annotated[
        str, Parameter(help="Evict the least recently used beyond this size, as 500MiB or 20GiB.")
    ] = "",
    everything: Annotated[bool, Parameter(name="--all", negative=(), help="Evict all of them.")] = False,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say what would go.")] = False,
    store: Store = None,
    json: Json = False,
) -> int:
    """Make room: evict least recently used artefacts and what killed runs left behind.

    What a running process uses stays. Nothing is lost but time: a run computes again what it misses.
    """
    from rich.console import Console

    from proxflow.data.store.eviction import entries, evict, remove_leftovers

    root, size = _root(store), _limit(limit, everything)
    if dry_run:
        gone, leftovers = _would_go(entries(root), size), 0
    else:
        gone = evict(root, size)
        leftovers = remove_leftovers(root)
    freed, kept = sum(entry.size for entry in gone) + leftovers, entries(root)
    left = len(kept) - (len(gone) if dry_run else 0)
    if json:
        keys = [entry.key for entry in gone]
        document = {"status": "done", "dry_run": dry_run, "evicted": keys, "freed_bytes": freed, "left": left}
        _print_json(document)
        return 0
    verb = "would evict" if dry_run else "evicted"
    Console(highlight=False).print(f"{verb} {len(gone)} artefacts, {_size(freed)}; {left} stay")
    return 0


def _root(store: Path | None) -> Path:
    """The store's folder, which need not exist; RequestError for a named one that is no store."""
    from proxflow.configs.runtime import default_store_root
    from proxflow.tasks.errors import RequestError

    root = (store or default_store_root()).expanduser().resolve()
    if store is not None and not (root / "artefacts").is_dir():
        raise RequestError(f"--store must be the folder of a store, with artefacts in it, got {store}")
    return root


def _default_limit() -> str:
    from proxflow.configs.runtime import RuntimeConfig

    return RuntimeConfig().store_limit


def _limit(text: str, everything: bool) -> int:
    from proxflow.configs.runtime import parse_size
    from proxflow.tasks.errors import RequestError

    if everything:
        if text:
            raise RequestError(f"--limit must not be given with --all, got {text}")
        return 0
    try:
        return parse_size(text or _default_limit())
    except ValueError as error:
        raise RequestError(f"--limit {error}, got {text!r}") from None


def _would_go(held: list[Entry], limit: int) -> list[Entry]:
    excess, gone = sum(entry.size for entry in held) - limit, []
    for entry in reversed(held):
        if excess <= 0:
            break
        gone.append(entry)
        excess -= entry.size
    return gone


def _row(entry: Entry) -> dict[str, Any]:
    """One artefact as plain values; a damaged one is listed as such."""
    from proxflow.data.store.artefact import Artefact
    from proxflow.data.store.errors import DamagedArtefactError

    made: dict[str, Any] = {}
    try:
        with Artefact(entry.path) as artefact:
            made = artefact.provenance
    except (DamagedArtefactError, FileNotFoundError):
        pass
    return {
        "stage": made.get("label", "damaged"),
        "key": entry.key,
        "bytes": entry.size,
        "used": entry.used,
        "made": made.get("started"),
        "seconds": made.get("seconds"),
        "config": made.get("config", {}),
    }


def _table(rows: list[dict[str, Any]], width: int) -> Any:
    import time
    from datetime import datetime

    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("stage", "key"):
        table.add_column(name, no_wrap=True)
    for name in ("size", "last used", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("of the recipe", no_wrap=True, max_width=max(12, width - FIXED_WIDTH))
    now = time.time()
    for row in rows:
        age = "-" if row["made"] is None else _ago(now - datetime.fromisoformat(row["made"]).timestamp())
        table.add_row(
            row["stage"], row["key"][:KEY_SHOWN], _size(row["bytes"]), f"{_ago(now - row['used'])} ago",
            age, Text(_in_short(row["config"])),
        )  # fmt: skip
    return table


def _in_short(config: Any) -> str:
    """The stage's part of the recipe on one line: ``method tv, n_iter 100``; long texts are left out."""
    if isinstance(config, dict):
        named = sorted(config.items(), key=lambda pair: pair[0] not in NAMING)  # the method's name first
        parts = [(key, _in_short(value)) for key, value in named if value not in (None, "", [], {}, False)]
        return ", ".join(text if key in NAMING else f"{key} {text}" for key, text in parts)
    if isinstance(config, list):
        return "; ".join(_in_short(value) for value in config)
    text = str(config)
    return text if len(text) <= 40 and "\n" not in text else "…"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _ago(seconds: float) -> str:
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def _print_json(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document))
