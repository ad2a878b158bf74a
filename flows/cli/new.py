"""``proxflow new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from proxflow.flows.cli.options import Json, Reader


def command(
    file: Annotated[str, Parameter(help="A scan file or sample://NAME.")],
    /,
    *,
    out: Annotated[Path, Parameter(name="--out", help="The recipe to write, as recipe.yaml.")],
    reader: Reader = "auto",
    force: Annotated[bool, Parameter(negative=(), help="Overwrite a recipe that is already there.")] = False,
    json: Json = False,
) -> int:
    """Write a fitting, commented recipe for a scan: a start that runs, to be changed.

    For every scan of MRI, CT or radar, and every picture, that `proxflow inspect` can show. What the file
    does not tell, as where a radar's scene lies, is guessed, and said.

    Examples:
        proxflow new scan.h5 --out recipe.yaml

        proxflow new photo.npy --reader image --out recipe.yaml

        proxflow run recipe.yaml
    """
    import shlex

    from rich.console import Console

    from proxflow.tasks.new_recipe import write_recipe

    written = write_recipe(file, out, force=force, reader=reader)
    if json:
        _print_json(written.path, written.needs, written.choices)
        return 0
    console = Console(highlight=False)
    console.print(f"wrote {out}: {written.description}", soft_wrap=True)
    if written.needs:
        console.print(f"before it runs it needs {written.needs}; the recipe says how", style="yellow")
    for choice in written.choices:
        console.print(f"adapt {choice}: it runs with a guess", style="yellow", soft_wrap=True)
    console.print(f"next  proxflow check {shlex.quote(str(out))}", soft_wrap=True)
    return 0


def _print_json(path: Path, needs: str, choices: tuple[str, ...]) -> None:
    import json

    print(
        json.dumps(
            {
                "status": "done",
                "recipe": str(path.resolve()),
                "needs": needs or None,
                "choices": list(choices),
            }
        )
    )
