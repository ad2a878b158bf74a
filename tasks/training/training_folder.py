"""What a training leaves: the recipe with the numbers, every error, and a page that shows them."""

from __future__ import annotations

import csv
import io
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from proxflow.configs.recipe import Recipe
from proxflow.data.writers.atomic import atomic_path
from proxflow.tasks.provenance import machine_text, versions
from proxflow.tasks.report.pages import page_environment
from proxflow.tasks.training.error_plot import error_plot
from proxflow.tasks.training.held_out import Fit
from proxflow.tasks.training.train import Training
from proxflow.tasks.training.trained_recipe import trained_recipe_text


def write_training_folder(
    folder: Path, training: Training, recipe: Recipe, source: str, command: str
) -> Path:
    """Write recipe.yaml, training.json, training.csv and report.html; the report's path.

    ``source`` is the text of the recipe file that ``recipe`` came from.
    """
    text = trained_recipe_text(recipe, source, training.fits, command)
    contents = {
        "recipe.yaml": text,
        "training.json": json.dumps(training_json(training, recipe, command), indent=1) + "\n",
        "training.csv": training_csv(training),
        "report.html": training_page(training, recipe, text, command),
    }
    for name, content in contents.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return folder / "report.html"


def training_json(training: Training, recipe: Recipe, command: str) -> dict[str, Any]:
    """Every value tried, with its error for each scan and seed."""
    return {
        "recipe": recipe.name,
        "command": command,
        "scans": list(training.scans),
        "fraction": training.request.fraction,
        "seeds": training.request.seeds,
        "methods": {fit.method: _fit_json(fit, training) for fit in training.fits},
        "provenance": {"machine": machine_text(), "versions": versions()},
    }


def training_csv(training: Training) -> str:
    """One row per method, value, scan and seed."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("method", "number", "value", "scan", "seed", "error"))
    for fit in training.fits:
        for candidate in fit.candidates:
            for (scan, seed), error in zip(training.cases, candidate.errors, strict=True):
                rows.writerow((fit.method, fit.number, f"{candidate.value:g}", scan, seed, repr(error)))
    return text.getvalue()


def training_page(training: Training, recipe: Recipe, recipe_text: str, command: str) -> str:
    """The HTML page: it loads nothing from anywhere, and whatever comes from the recipe is escaped."""
    environment = page_environment()
    template = files("proxflow.tasks.training").joinpath("training.html.j2").read_text("utf-8")
    css = files("proxflow.tasks.report").joinpath("report.css").read_text("utf-8")
    return environment.from_string(template).render(
        training=training,
        name=recipe.name,
        title=recipe.description or recipe.name,
        names=list(dict.fromkeys(scan for scan, _ in training.cases)),
        plots=[(fit, error_plot(fit, len(training.scans))) for fit in training.fits],
        reconstructions=sum(len(fit.candidates) for fit in training.fits) * len(training.cases),
        css=Markup(css),
        recipe=recipe_text,
        command=command,
    )


def _fit_json(fit: Fit, training: Training) -> dict[str, Any]:
    return {
        "number": fit.number,
        "chosen": getattr(fit.config, fit.number),
        "error": fit.chosen.error,
        "before": fit.before,
        "error_before": fit.as_it_was.error,
        "as_good_as_chosen": list(fit.alike),
        "cautions": list(fit.cautions),
        "candidates": [
            {
                "value": candidate.value,
                "error": candidate.error,
                "errors": [
                    {"scan": scan, "seed": seed, "error": error}
                    for (scan, seed), error in zip(training.cases, candidate.errors, strict=True)
                ],
            }
            for candidate in fit.candidates
        ],
    }
