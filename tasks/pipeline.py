"""The one description of a run: which stages, in which order, with which inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proxflow.configs.loading import dump_recipe
from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.data.open_scan import open_scan
from proxflow.data.store.store import Ref
from proxflow.tasks.stage import StageCall, StageOutcome


class Engine(Protocol):
    """Runs stage calls: in process, or as Prefect tasks."""

    def submit(self, call: StageCall) -> Any:
        """Start a call; a handle for ``result``."""

    def result(self, handle: Any) -> StageOutcome:
        """Wait for a call."""


@dataclass(frozen=True)
class RunResult:
    """All outcomes in order, by label."""

    outcomes: tuple[StageOutcome, ...]
    methods: tuple[str, ...]

    def ref(self, label: str) -> Ref:
        """The artefact of one stage."""
        return next(outcome.ref for outcome in self.outcomes if outcome.label == label)


def run_stages(recipe: Recipe, methods: Sequence[MethodConfig], engine: Engine, command: str) -> RunResult:
    """Run every stage of ``recipe`` with ``methods``; the first is the one whose image is delivered."""
    outcomes: list[StageOutcome] = []

    def finish(handle: Any) -> Ref:
        outcome = engine.result(handle)
        outcomes.append(outcome)
        return outcome.ref

    def run(stage: str, config: dict[str, Any], inputs: dict[str, Ref], **files: str) -> Ref:
        return finish(engine.submit(StageCall(stage, stage, config, inputs, files)))

    scan = run("ingest", recipe.scan.model_dump(mode="json", exclude={"path"}), {}, **scan_files(recipe))
    steps = [step.model_dump(mode="json") for step in recipe.prepare]
    prepared = run("prepare", {"steps": steps}, {"scan": scan})
    calibration = recipe.calibrate.model_dump(mode="json", exclude={"path"})
    given = {"maps": recipe.calibrate.path} if recipe.calibrate.kind == "given" else {}
    maps = run("calibrate", calibration, {"prepared": prepared}, **given)
    names = tuple(config.method for config in methods)
    judged = {"prepared": prepared, "maps": maps} | _images(recipe, methods, engine, finish, prepared, maps)
    evaluation = {"evaluate": _judging(recipe), "methods": list(names)}
    figures = run("evaluate", evaluation, judged)
    page = {
        "name": recipe.name,
        "title": recipe.report.title or recipe.description,
        "error_scale": recipe.report.error_scale,
        "methods": [config.model_dump(mode="json") for config in methods],
        "recipe": dump_recipe(recipe),
        "command": command,
    }
    run("report", page, {"scan": scan, "figures": figures, **judged})
    return RunResult(tuple(outcomes), names)


def scan_files(recipe: Recipe) -> dict[str, str]:
    """The files of the recipe's scan by name: ``scan`` itself and any companions, checked to be readable."""
    with open_scan(recipe.scan.path, reader=recipe.scan.reader) as scan:
        companions = [path for path in scan.info.files if path != scan.info.path]
        return {"scan": str(scan.info.path)} | {f"scan{path.suffix}": str(path) for path in companions}


def _images(
    recipe: Recipe, methods: Sequence[MethodConfig], engine: Engine, finish: Any, prepared: Ref, maps: Ref
) -> dict[str, Ref]:
    """Submit every method, and its held-out twin, before waiting for the first."""
    handles = {}
    for config in methods:
        task = {"method": config.model_dump(mode="json"), "precision": recipe.runtime.precision}
        inputs = {"prepared": prepared, "maps": maps}
        label = f"reconstruct:{config.method}"
        handles[f"image:{config.method}"] = engine.submit(StageCall("reconstruct", label, task, inputs))
        if recipe.evaluate.held_out_fraction:
            task |= {"fraction": recipe.evaluate.held_out_fraction, "seed": recipe.evaluate.held_out_seed}
            label = f"hold_out:{config.method}"
            handles[f"hold_out:{config.method}"] = engine.submit(StageCall("hold_out", label, task, inputs))
    return {name: finish(handle) for name, handle in handles.items()}


def _judging(recipe: Recipe) -> dict[str, Any]:
    """What of ``evaluate`` decides the figures; the held-out numbers belong to that stage's key."""
    return recipe.evaluate.model_dump(mode="json", exclude={"held_out_fraction", "held_out_seed"})
