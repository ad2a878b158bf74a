"""From a scan file to a recipe file: look, suggest, check, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proxflow.configs.loading import load_recipe
from proxflow.configs.recipe_edit import with_values
from proxflow.data.open_scan import open_scan
from proxflow.data.picture_names import split_array
from proxflow.data.readers.sidecar_yaml import is_sidecar_of
from proxflow.data.samples.catalogue import SCHEME, locate
from proxflow.data.writers.atomic import atomic_path
from proxflow.tasks.errors import RequestError
from proxflow.tasks.looks.look import look_at
from proxflow.tasks.rehearsal import rehearse
from proxflow.tasks.suggestions.suggest import suggest_recipe


@dataclass(frozen=True)
class WrittenRecipe:
    """The recipe's file, one line on it, what it still needs (empty if it runs as it is), and what a person
    should decide before trusting the image."""

    path: Path
    description: str
    needs: str
    choices: tuple[str, ...]


def write_recipe(file: str, out: Path, *, force: bool, reader: str = "auto") -> WrittenRecipe:
    """Write a recipe for the scan ``file`` to ``out``; it is loaded and held against the scan first.

    ``file`` and ``reader`` are as of ``open_scan``.

    Raises ScanError for a file that is no scan, RequestError where ``out`` exists (without ``force``), cannot
    be written, or would be taken as the scan's sidecar.
    """
    if out.is_dir() or (out.exists() and not force):
        what = "is a folder" if out.is_dir() else "exists; --force overwrites it"
        raise RequestError(f"--out must be a new recipe file, got {out}, which {what}")
    scan_file = locate(split_array(file)[0])
    if is_sidecar_of(out, scan_file):
        raise RequestError(
            f"--out must not be {out.name}, which beside {scan_file.name} would be read as its sidecar; "
            f"name it recipe.yaml, for instance"
        )
    with open_scan(file, reader) as scan:
        suggestion = suggest_recipe(look_at(scan), path_from(file, out))
    text = suggestion.text if reader == "auto" else with_values(suggestion.text, {("scan", "reader"): reader})
    try:
        with atomic_path(out) as temporary:
            temporary.write_text(text, encoding="utf-8")
            recipe = load_recipe(temporary)
            if not suggestion.needs:
                rehearse(recipe)
    except OSError as error:
        raise RequestError(f"--out must be a file that can be written, got {out}: {error.strerror}") from None
    return WrittenRecipe(out, recipe.description, suggestion.needs, suggestion.choices)


def path_from(file: str, recipe: Path) -> str:
    """How ``recipe`` names the scan: relative to its own folder where the scan lies below it."""
    if file.startswith(SCHEME):
        return file
    name, array = split_array(file)
    scan, folder = locate(name).absolute(), recipe.absolute().parent
    path = scan.relative_to(folder).as_posix() if scan.is_relative_to(folder) else str(scan)
    return f"{path}::{array}" if array else path
