"""Recipe files to recipes: YAML, ``--set`` overrides, and every error at once with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from proxflow.configs.denoiser import NETWORK_FIELDS, anchored
from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.recipe import Recipe
from proxflow.configs.sentences import line_of, validated
from proxflow.configs.yaml_source import KeyPath, RecipeLoader, dotted, read_yaml


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read ``path``, apply ``key=value`` overrides, validate; RecipeError lists all problems.

    Relative paths inside the recipe (``scan.path``, ``calibrate.path``, a ``denoiser`` that is a file) count
    from its folder.
    """
    values, lines = read_yaml(path)
    for override in overrides:
        apply_change(values, lines, override, "--set")
    anchor_paths(values, path.resolve().parent)
    return validate_recipe(values, lines, str(path))


def validate_recipe(
    values: Mapping[str, Any],
    lines: Mapping[KeyPath, int] | None = None,
    file: str | None = None,
) -> Recipe:
    """A recipe from plain values; see ``load_recipe``."""
    recipe = validated(Recipe, values, lines or {}, file)
    if misfits := recipe.misfits():
        raise RecipeError([Problem(dotted(at), text, file, line_of(lines or {}, at)) for at, text in misfits])
    return recipe


def dump_recipe(recipe: Recipe) -> str:
    """The effective recipe as YAML, defaults included."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def apply_change(values: dict[str, Any], lines: dict[KeyPath, int], change: str, said: str) -> None:
    """Set ``a.b=value`` in place and forget the lines it no longer comes from; errors call it ``said``."""
    place = _apply(values, change, said)
    for known in [known for known in lines if known[: len(place)] == place]:
        del lines[known]


def anchor_paths(values: dict[str, Any], folder: Path) -> None:
    """Make relative paths in a recipe's values absolute, counted from ``folder``, in place."""
    for section in ("scan", "calibrate"):
        part = values.get(section)
        if not isinstance(part, dict) or not isinstance(path := part.get("path"), str):
            continue
        if path and not path.startswith("sample://"):
            values[section] = part | {"path": str(folder / Path(path).expanduser())}
    compared = values.get("compare")
    for part in (values.get("reconstruct"), *(compared if isinstance(compared, list) else ())):
        for field in NETWORK_FIELDS:
            if isinstance(part, dict) and isinstance(name := part.get(field), str):
                part[field] = anchored(name, folder)


def _apply(values: dict[str, Any], override: str, said: str) -> KeyPath:
    """Set ``a.b=value`` or ``a.0.b=value`` in place; the value is read as YAML."""
    key, equals, text = override.partition("=")
    parts: list[str | int] = [
        int(part) if part.isdecimal() and len(part) < 6 else part for part in key.strip().split(".")
    ]
    if not equals or not all(part != "" for part in parts):
        raise RecipeError([Problem(said, f"must look like key=value, got {override!r}")])
    try:
        value = yaml.load(text, Loader=RecipeLoader) if text.strip() else ""
    except yaml.YAMLError:
        value = text
    at: Any = values
    for depth, part in enumerate(parts[:-1]):
        missing = isinstance(at, dict) and part not in at and isinstance(part, str)
        if missing:
            at[part] = {}
        at = _child(at, part, parts[: depth + 1], said)
    last = parts[-1]
    if (isinstance(at, dict) and isinstance(last, str)) or _has_index(at, last):
        container: Any = at
        container[last] = value
    else:
        raise RecipeError([Problem(said, f"must name a key of the recipe, got {dotted(tuple(parts))}")])
    return tuple(parts)


def _child(at: Any, part: str | int, place: Sequence[str | int], said: str) -> Any:
    fits = (isinstance(at, dict) and part in at) or (
        isinstance(at, list) and isinstance(part, int) and part < len(at)
    )
    if not fits:
        raise RecipeError([Problem(said, f"must name a key of the recipe, got {dotted(tuple(place))}")])
    return at[part]


def _has_index(at: Any, part: str | int) -> bool:
    return isinstance(at, list) and isinstance(part, int) and part < len(at)
