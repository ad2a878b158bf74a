"""Forms of the batch flows, or parameters of their deployments, to checked plans.

The recipe goes the way of every form. Which scans there are, and whether the folder is there, is looked up
when the flow runs: a deployment may be registered before its first scan arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxflow.configs.errors import Problem, RecipeError
from proxflow.flows.batch_plan import ANY_SCAN, BatchRecipe
from proxflow.flows.forms import DEFAULT_RECIPE, form_methods, form_recipe, texts
from proxflow.flows.watch_request import LONGEST_SETTLE
from proxflow.tasks.watch.arrivals import EVERYTHING


@dataclass(frozen=True)
class ManyPlan:
    """A batch that can be started."""

    recipe: BatchRecipe
    scans: tuple[str, ...]
    out: Path | None


@dataclass(frozen=True)
class WatchPlan:
    """A pass over a folder that can be started."""

    recipe: BatchRecipe
    folder: Path
    out: Path | None
    pattern: str
    settle: float
    retry_failed: bool


def plan_many(form: Mapping[str, Any]) -> ManyPlan:
    """What a form of ``reconstruct-many`` asks for; RecipeError where it cannot be done."""
    return ManyPlan(_recipe(form), tuple(texts(form, "scans")), _path(form, "out"))


def plan_watch(form: Mapping[str, Any]) -> WatchPlan:
    """What a form of ``watch`` asks for; RecipeError where it cannot be done."""
    settle = form.get("settle", 5.0)
    if isinstance(settle, bool) or not isinstance(settle, int | float) or not 0 <= settle <= LONGEST_SETTLE:
        what = f"must be a number of seconds between 0 and {LONGEST_SETTLE:g}, got {settle!r:.80}"
        raise RecipeError([Problem("settle", what)])
    retry = form.get("retry_failed", False)
    if not isinstance(retry, bool):
        raise RecipeError([Problem("retry_failed", f"must be true or false, got {retry!r:.80}")])
    pattern = _text(form, "pattern") or EVERYTHING
    folder = _path(form, "folder") or Path()
    out = _path(form, "out")
    return WatchPlan(_recipe(form), folder, out, pattern, float(settle), retry)


def _recipe(form: Mapping[str, Any]) -> BatchRecipe:
    key, _, scan = ANY_SCAN.partition("=")
    named = {name: form[name] for name in ("recipe", "changes") if name in form}
    recipe = form_recipe(named | {"scan": {key.rpartition(".")[2]: scan}})
    chosen = form_methods(form, recipe) if texts(form, "methods") else ()
    text = str(form.get("recipe") or DEFAULT_RECIPE)
    names = tuple(config.method for config in chosen)
    return BatchRecipe(recipe, text, tuple(texts(form, "changes")), names)


def _path(form: Mapping[str, Any], key: str) -> Path | None:
    text = _text(form, key)
    return Path(text).expanduser() if text else None


def _text(form: Mapping[str, Any], key: str) -> str:
    given = form.get(key) or ""
    if not isinstance(given, str):
        raise RecipeError([Problem(key, f"must be text, got {given!r:.80}")])
    return given.strip()
