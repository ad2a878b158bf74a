"""The recipe with the numbers that training chose, in the words of the recipe it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxflow.configs.errors import RecipeError
from proxflow.configs.loading import dump_recipe, validate_recipe
from proxflow.configs.recipe import Recipe
from proxflow.configs.recipe_edit import with_item, with_values
from proxflow.configs.runtime import RuntimeConfig
from proxflow.configs.yaml_source import KeyPath, parse_yaml
from proxflow.tasks.training.held_out import Fit


def trained_recipe(recipe: Recipe, fits: Sequence[Fit]) -> Recipe:
    """``recipe`` with the fitted methods in place of its own; those it does not have join ``compare``."""
    fitted = {fit.method: fit.config for fit in fits}
    own = {config.method for config in recipe.methods()}
    others = tuple(config for name, config in fitted.items() if name not in own)
    update: dict[str, Any] = {
        "reconstruct": fitted.get(recipe.reconstruct.method, recipe.reconstruct),
        "compare": (*others[::-1], *(fitted.get(config.method, config) for config in recipe.compare)),
    }
    return recipe.model_copy(update=update)


def trained_recipe_text(recipe: Recipe, source: str, fits: Sequence[Fit], command: str) -> str:
    """YAML of the trained recipe: ``source`` with the numbers put in, where that says the same as the trained
    recipe; else, as after ``--set``, the effective recipe with every default."""
    trained = trained_recipe(recipe, fits)
    head = f"# Numbers chosen by held-out samples; training.json has all that were tried:\n#   {command}\n"
    try:
        text = head + _edited(recipe, source, fits)
        values, lines = parse_yaml(text, "recipe")
        if _numerical(validate_recipe(values, lines)) == _numerical(trained):
            return text
    except (KeyError, RecipeError):
        pass  # the text cannot say it with the same layout
    return head + dump_recipe(trained)


def _numerical(recipe: Recipe) -> Recipe:
    """Without what decides no number: device, store and the like, which ``--device`` may have changed."""
    return recipe.model_copy(update={"runtime": RuntimeConfig(precision=recipe.runtime.precision)})


def _edited(recipe: Recipe, source: str, fits: Sequence[Fit]) -> str:
    given, _ = parse_yaml(source, "recipe")
    changes: dict[KeyPath, Any] = {("scan", "path"): recipe.scan.path}
    if recipe.calibrate.kind == "given":
        changes["calibrate", "path"] = recipe.calibrate.path
    places: dict[str, KeyPath] = {
        config.method: ("compare", index) for index, config in reversed(list(enumerate(recipe.compare)))
    }
    places[recipe.reconstruct.method] = ("reconstruct",)
    new = []
    for fit in fits:
        if fit.method in places:
            changes[(*places[fit.method], fit.number)] = getattr(fit.config, fit.number)
        else:
            new.append({"method": fit.method, fit.number: getattr(fit.config, fit.number)})
    if given["scan"]["path"] == recipe.scan.path:
        del changes["scan", "path"]  # no need for quotes around it
    text = with_values(source, changes)
    for item in new:
        text = with_item(text, "compare", item)
    return text
