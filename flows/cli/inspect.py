"""``proxflow inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from proxflow.flows.cli.options import Json, Reader

if TYPE_CHECKING:
    from rich.console import Console

    from proxflow.tasks.looks.base import Look


def command(
    file: Annotated[str, Parameter(help="A scan file or sample://NAME; without it, the samples.")] = "",
    /,
    *,
    item: Annotated[
        int | None,
        Parameter(help="The slice, frame or scene looked at; the middle one if not given."),
    ] = None,
    reader: Reader = "auto",
    picture: Annotated[
        Path | None, Parameter(help="Write a quick image and the measurement side by side to this PNG file.")
    ] = None,
    json: Json = False,
) -> int:
    """Show what is in a scan: shapes, geometry, sampling, noise, and a picture.

    MRI, CT and radar files and pictures are told apart by their content; plain arrays need a sidecar beside
    them, of their name with .yaml, that says what they hold (docs/file-format.md), or --reader image.

    Examples:
        proxflow inspect sample://brain-13coil

        proxflow inspect sample://tooth

        proxflow inspect scan.h5 --picture scan.png
    """
    from rich.console import Console

    if not file:
        return _list_samples(json)
    from proxflow.data.open_scan import open_scan
    from proxflow.tasks.errors import RequestError
    from proxflow.tasks.looks.look import look_at
    from proxflow.tasks.scan_picture import write_scan_picture

    if picture is not None and picture.suffix.lower() != ".png":
        raise RequestError(f"--picture must end in .png, got {picture}")
    with open_scan(file, reader=reader) as scan:
        look = look_at(scan, item)
    if picture is not None:
        try:
            write_scan_picture(picture, look.panels())
        except OSError as error:
            raise RequestError(
                f"--picture must be a file that can be written, got {picture}: {error.strerror}"
            ) from None
    if json:
        where = None if picture is None else str(picture.resolve())
        _print_json({"status": "done", **look.numbers(), "picture": where})
    else:
        _show(Console(highlight=False), look, picture)
    return 0


def _list_samples(as_json: bool) -> int:
    from rich.console import Console
    from rich.table import Table

    from proxflow.data.samples.catalogue import SAMPLES, SCHEME

    if as_json:
        samples = {
            SCHEME + name: {"description": sample.description, "licence": sample.licence}
            for name, sample in SAMPLES.items()
        }
        _print_json({"status": "done", "samples": samples})
        return 0
    table = Table("scan", "what it is", "licence", show_edge=False, pad_edge=False)
    for name, sample in SAMPLES.items():
        table.add_row(f"[bold]{SCHEME}{name}[/]", sample.description, sample.licence)
    console = Console(highlight=False)
    console.print("Measured scans that ship with Proxflow; `proxflow inspect NAME_OR_FILE` shows one.\n")
    console.print(table)
    return 0


def _show(console: Console, look: Look, picture: Path | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from proxflow.tasks.scan_picture import scan_in_terminal

    table = Table.grid(padding=(0, 2))
    for name, text in look.facts():
        table.add_row(Text(name, style="bold"), Text(text, overflow="fold"))
    console.print(table)
    if console.is_terminal:
        console.print()
        console.print(scan_in_terminal(look.panels(), console.width), soft_wrap=True)
    if picture is not None:
        console.print(f"picture  {picture}", soft_wrap=True)


def _print_json(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document))
