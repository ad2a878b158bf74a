"""A form of the Prefect UI, or parameters of a deployment, to a checked recipe.

The sections of a form lie over a base recipe; then single changes. What comes out went through the same code
as a recipe of the command line, so its sentences are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxflow.configs.catalogue import recipe_path
from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.loading import anchor_paths, apply_change, validate_recipe
from proxflow.configs.methods import MethodConfig, unknown_method
from proxflow.configs.recipe import Recipe
from proxflow.configs.yaml_source import KeyPath, read_yaml

AS_IN_RECIPE = "as in the recipe"  # the choice that leaves a section, or a key of scan, to the base recipe
DEFAULT_RECIPE = "mri-brain-lines3"
SECTIONS = ("scan", "prepare", "image", "calibrate", "reconstruct", "evaluate", "report", "runtime")


def form_recipe(form: Mapping[str, Any]) -> Recipe:
    """The recipe a form stands for. RecipeError lists all problems."""
    values, lines, file = _base(form)
    for name in SECTIONS:
        given = _given(form.get(name, AS_IN_RECIPE))
        if given is AS_IN_RECIPE:
            continue
        if name == "scan" and isinstance(given, dict) and isinstance(values.get("scan"), dict):
            given = values["scan"] | {key: part for key, part in given.items() if part != ""}
        values[name] = given
        for known in [known for known in lines if known[:1] == (name,)]:
            del lines[known]
    if form.get("name"):
        values["name"] = form["name"]
    for change in texts(form, "changes"):
        apply_change(values, lines, change, "changes")
    anchor_paths(values, Path.cwd())
    try:
        return validate_recipe(values, lines, file)
    except RecipeError as error:
        # what has no line in the base recipe came from the form
        raise RecipeError([p if p.line else Problem(p.where, p.what) for p in error.problems]) from None


def form_methods(form: Mapping[str, Any], recipe: Recipe) -> tuple[MethodConfig, ...]:
    """The methods of a comparison: those named in the form, or all of the recipe."""
    names = texts(form, "methods")
    if wrong := unknown_method(names):
        raise RecipeError([Problem("methods", wrong)])
    return recipe.methods(list(dict.fromkeys(names)) or None)


def texts(form: Mapping[str, Any], key: str) -> list[str]:
    """A list of texts in a form; an entry left empty does not count."""
    given = form.get(key) or []
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise RecipeError([Problem(key, f"must be a list of texts, got {given!r:.80}")])
    return [text.strip() for text in given if text.strip()]


def _base(form: Mapping[str, Any]) -> tuple[dict[str, Any], dict[KeyPath, int], str | None]:
    """Values, lines and file of the base recipe; nothing where none is named."""
    named = form.get("recipe", DEFAULT_RECIPE) or ""
    if not isinstance(named, str):
        raise RecipeError([Problem("recipe", f"must be a name or a file, got {named!r:.80}")])
    if not named:
        return {}, {}, None
    path = recipe_path(Path(named).expanduser())
    values, lines = read_yaml(path)
    anchor_paths(values, path.resolve().parent)
    return values, lines, str(path)


def _given(value: Any) -> Any:
    """A section without what was left to the recipe; AS_IN_RECIPE for one left to it as a whole."""
    if value is None or value == AS_IN_RECIPE or value == {}:
        return AS_IN_RECIPE
    if isinstance(value, Mapping):
        return {key: part for key, part in value.items() if part != AS_IN_RECIPE}
    return value
