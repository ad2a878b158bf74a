"""A training as it was asked for, on the command line or in a form, checked before anything is done."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proxflow.configs.catalogue import recipe_path
from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.loading import load_recipe
from proxflow.flows.forms import DEFAULT_RECIPE, form_recipe, texts
from proxflow.flows.training_run import TrainingPlan
from proxflow.tasks.errors import RequestError
from proxflow.tasks.training.train import TrainingRequest, methods_to_train


def plan_training(
    recipe: Path, changes: Sequence[str], methods: Sequence[str], request: TrainingRequest
) -> TrainingPlan:
    """From the command line. Raises RecipeError for the recipe, RequestError for methods it cannot train."""
    path = recipe_path(recipe)
    loaded = load_recipe(path, changes)
    chosen = methods_to_train(loaded, methods)
    command = training_command(str(recipe), changes, methods, request)
    return TrainingPlan(loaded, path.read_text("utf-8"), chosen, request, command)


def plan_train(form: Mapping[str, Any]) -> TrainingPlan:
    """From a form of the Prefect UI or a deployment's parameters; RecipeError with the line there."""
    recipe = form_recipe(form)
    names, scans = texts(form, "methods"), texts(form, "scans")
    usual = TrainingRequest()
    try:
        request = TrainingRequest(
            tuple(scans), form.get("fraction", usual.fraction), form.get("seeds", usual.seeds)
        )
        chosen = methods_to_train(recipe, names)
    except RequestError as error:
        where, _, what = str(error).partition(" ")
        raise RecipeError([Problem(where, what)]) from None
    named = str(form.get("recipe") or DEFAULT_RECIPE)
    source = recipe_path(Path(named).expanduser()).read_text("utf-8")
    changes = texts(form, "changes")
    command = form.get("command") or training_command(named, changes, names, request)
    return TrainingPlan(recipe, source, chosen, request, command)


def training_command(
    recipe: str, changes: Sequence[str], methods: Sequence[str], request: TrainingRequest
) -> str:
    """The command line that does the same."""
    usual = TrainingRequest()
    parts = ["proxflow", "train", recipe, *request.scans]
    parts += ["--methods", ",".join(methods)] if methods else []
    parts += ["--fraction", f"{request.fraction:g}"] if request.fraction != usual.fraction else []
    parts += ["--seeds", str(request.seeds)] if request.seeds != usual.seeds else []
    return shlex.join([*parts, *(part for change in changes for part in ("--set", change))])
