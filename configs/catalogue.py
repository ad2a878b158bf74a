"""The ready recipes that ship, by name."""

from __future__ import annotations

from pathlib import Path

from proxflow.configs.errors import Problem, RecipeError

FOLDER = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """Names of all ready recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def recipe_path(recipe: Path) -> Path:
    """A recipe file as it is; a bare name that is no file as the ready recipe of that name.

    Raises RecipeError, with the nearest name, where there is neither.
    """
    if recipe.exists():
        return recipe
    ready = FOLDER / f"{recipe}.yaml"
    if recipe.name == str(recipe) and ready.exists():
        return ready
    from proxflow.configs.sentences import nearest

    hint = nearest(recipe.stem, recipe_names())
    what = f"must be an existing file or a ready recipe, got {str(recipe)!r}{hint}"
    raise RecipeError([Problem("recipe", what)])
