"""Where the parameters of a deployment stand, so that what is wrong with them is told with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.loading import anchor_paths
from proxflow.configs.sentences import nearest
from proxflow.configs.yaml_source import KeyPath, dotted
from proxflow.data.still_images import NAMED


@dataclass(frozen=True)
class Origin:
    """A mapping in a file: the line of each key path in it; relative paths count from ``folder``."""

    folder: Path
    file: str | None
    lines: Mapping[KeyPath, int]

    def placed(self, where: str, what: str) -> Problem:
        """A problem at the dotted key ``where``, with the line of it or of what is around it."""
        known, at = {dotted(place): line for place, line in self.lines.items()}, where
        while at and at not in known:
            at = at[: max(at.rfind("."), at.rfind("["), 0)]
        return Problem(where, what, self.file, known.get(at))


def anchored(parameters: Mapping[str, Any], folder: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """Parameters with absolute paths, for a run that starts elsewhere; ``keys`` hold a path or a list."""
    values = dict(parameters)
    recipe = values.get("recipe")
    if isinstance(recipe, str) and recipe and (folder / Path(recipe).expanduser()).exists():
        values["recipe"] = _absolute(recipe, folder)
    anchor_paths(values, folder)
    for key in keys:
        given = values.get(key)
        if isinstance(given, list):
            values[key] = [_absolute(path, folder, key) if isinstance(path, str) else path for path in given]
        elif isinstance(given, str) and given:
            values[key] = _absolute(given, folder)
    return values


def _absolute(path: str, folder: Path, key: str = "") -> str:
    """``@list.txt`` names a file with paths, ``SUBJECT=FILE`` one of the images and whose it is."""
    if path.startswith("sample://"):
        return path
    marked = NAMED.fullmatch(path) if key == "images" else None
    mark = f"{marked[1]}=" if marked else "@" if path.startswith("@") else ""
    return mark + str(folder / Path(path.removeprefix(mark)).expanduser())


def check_keys(parameters: Mapping[str, Any], keys: Sequence[str], origin: Origin) -> None:
    """RecipeError for a parameter that the flow does not have."""
    unknown = [key for key in parameters if key not in keys]
    if unknown:
        raise RecipeError([origin.placed(key, f"is not a known key{nearest(key, keys)}") for key in unknown])
