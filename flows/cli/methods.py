"""``proxflow methods``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from proxflow.flows.cli.options import Json

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from rich.console import Console

    from proxflow.configs.base import Choice

BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def command(
    name: Annotated[str, Parameter(help="One method in full; without it, all of them.")] = "",
    /,
    *,
    json: Json = False,
) -> int:
    """List the reconstruction methods, and the numbers a recipe may give them.

    Examples:
        proxflow methods

        proxflow methods tv
    """
    from rich.console import Console

    from proxflow.configs.methods import METHOD_SCHEMAS, unknown_method
    from proxflow.tasks.errors import RequestError

    if name and (wrong := unknown_method([name])):
        raise RequestError(f"methods {wrong}")
    chosen = {name: METHOD_SCHEMAS[name]} if name else dict(METHOD_SCHEMAS)
    described = {method: _described(schema) for method, schema in chosen.items()}
    if json:
        _print_json({"status": "done", "methods": described})
    elif name:
        _show_one(Console(highlight=False), name, described[name])
    else:
        _show_all(Console(highlight=False), described)
    return 0


def _described(schema: type[Choice]) -> dict[str, Any]:
    """A method's text, kinds of scan and numbers, from its schema."""
    numbers = {key: _number(field) for key, field in schema.model_fields.items() if key != "method"}
    return {
        "description": " ".join((schema.__doc__ or "").split()),
        "scans": list(schema.fits),
        "numbers": numbers,
    }


def _number(field: FieldInfo) -> dict[str, Any]:
    bounds = {
        key: getattr(part, key)
        for part in field.metadata
        for key in (*BOUNDS, "pattern")
        if hasattr(part, key)
    }
    kind = getattr(field.annotation, "__name__", str(field.annotation))
    required = field.is_required()
    return {
        "type": kind,
        "required": required,
        "default": None if required else field.default,
        "bounds": {key: value for key, value in bounds.items() if value is not None},
        "help": field.description or "",
    }


def _allowed(bounds: dict[str, Any]) -> str:
    parts = [f"{sign} {bounds[key]}" for key, sign in BOUNDS.items() if key in bounds]
    return ", ".join(parts + ([f"like {bounds['pattern']}"] if "pattern" in bounds else []))


def _default(number: dict[str, Any]) -> str:
    return "must be given" if number["required"] else str(number["default"])


def _show_all(console: Console, described: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(
        "method", "for scans", "what it does", "its numbers, with defaults", show_edge=False, pad_edge=False
    )
    for method, entry in described.items():
        numbers = "\n".join(f"{key}: {_default(number)}" for key, number in entry["numbers"].items())
        scans = "\n".join(entry["scans"])
        table.add_row(f"[bold]{method}[/]", scans, entry["description"], numbers or "none", end_section=True)
    console.print(table)
    console.print("\n`proxflow methods NAME` shows one in full, with the range of every number.")


def _show_one(console: Console, method: str, entry: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(f"[bold]{method}[/]  {entry['description']}\n")
    console.print(f"For scans of the kind {', '.join(entry['scans'])}.\n")
    numbers = entry["numbers"]
    if not numbers:
        console.print("It has no numbers.\n")
    else:
        table = Table("number", "type", "default", "allowed", "meaning", show_edge=False, pad_edge=False)
        for key, number in numbers.items():
            allowed = Text(_allowed(number["bounds"]))
            table.add_row(key, number["type"], _default(number), allowed, Text(number["help"]))
        console.print(table)
        console.print()
    console.print("In a recipe:\n")
    lines = [] if "mri-cartesian" in entry["scans"] else ["scan:", f"  kind: {entry['scans'][0]}"]
    lines += ["reconstruct:", f"  method: {method}"]
    lines += [f"  {key}: {_default(number)}" for key, number in numbers.items()]
    console.print(Text("\n".join(lines), style="cyan"))


def _print_json(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document))
