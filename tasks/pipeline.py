"""The one description of a run: which stages, in which order, with which inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from proxflow.configs.calibrate import Given
from proxflow.configs.loading import dump_recipe
from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.data.store.store import Ref
from proxflow.tasks.calls import StageCall, StageOutcome
from proxflow.tasks.denoisers import denoiser_files, method_part
from proxflow.tasks.errors import RequestError
from proxflow.tasks.recipe_scan import divided, open_recipe_scan


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
    run = _Recorder(engine)
    scan, measured = _measured(recipe, run)
    judged = measured | _images(recipe, methods, run, measured)
    judging = {"evaluate": _judging(recipe), "methods": [config.method for config in methods]}
    figures = run.stage("evaluate", judging, judged)
    page = {
        "name": recipe.name,
        "title": recipe.report.title or recipe.description,
        "methods": [config.model_dump(mode="json") for config in methods],
        "recipe": dump_recipe(recipe),
        "command": command,
    }
    run.stage("report", page, {"scan": scan, "figures": figures, **judged})
    return RunResult(tuple(run.outcomes), tuple(config.method for config in methods))


def calibrated(recipe: Recipe, engine: Engine) -> dict[str, Ref]:
    """The artefacts ``prepared`` and ``calibrated`` alone, for those who study methods on them."""
    return _measured(recipe, _Recorder(engine))[1]


class _Recorder:
    """Runs stages on an engine and keeps their outcomes in order."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.outcomes: list[StageOutcome] = []

    def submit(self, call: StageCall) -> Any:
        return self._engine.submit(call)

    def finish(self, handle: Any) -> Ref:
        self.outcomes.append(self._engine.result(handle))
        return self.outcomes[-1].ref

    def stage(self, name: str, config: dict[str, Any], inputs: dict[str, Ref], **files: str) -> Ref:
        return self.finish(self.submit(StageCall(name, name, config, inputs, files)))


def _measured(recipe: Recipe, run: _Recorder) -> tuple[Ref, dict[str, Ref]]:
    configs = stage_configs(recipe)
    scan = run.stage("ingest", configs["ingest"], {}, **scan_files(recipe))
    prepared = run.stage("prepare", configs["prepare"], {"scan": scan})
    made = run.stage("calibrate", configs["calibrate"], {"prepared": prepared}, **maps_files(recipe))
    return scan, {"prepared": prepared, "calibrated": made}


def stage_configs(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """What of the recipe each stage before the reconstruction is given."""
    return {
        "ingest": divided(recipe.scan).model_dump(mode="json", exclude={"path"}),
        "prepare": {
            "steps": [step.model_dump(mode="json") for step in recipe.prepare],
            "image": recipe.image.model_dump(mode="json"),
        },
        "calibrate": recipe.calibrate.model_dump(mode="json", exclude={"path"}),
    }


def scan_files(recipe: Recipe) -> dict[str, str]:
    """The files of the recipe's scan by name: ``scan`` itself and any companions, checked to be readable.

    Companions are numbered: two in different folders may have one name.
    """
    with open_recipe_scan(recipe.scan) as scan:
        companions = {
            f"scan:{number}:{path.name}": str(path.resolve())
            for number, path in enumerate(scan.info.companions)
        }
        return {"scan": str(scan.info.path.resolve())} | companions


def maps_files(recipe: Recipe) -> dict[str, str]:
    """The file with given coil maps, ``maps``; RequestError if there is none and the scan can hold none."""
    config = recipe.calibrate
    if not isinstance(config, Given) or (recipe.scan.kind == "mri-dynamic" and not config.path):
        return {}
    if not Path(config.path).is_file():
        raise RequestError(f"calibrate.path must be an existing file, got {config.path or 'none'}")
    return {"maps": config.path}


def _images(
    recipe: Recipe, methods: Sequence[MethodConfig], run: _Recorder, inputs: dict[str, Ref]
) -> dict[str, Ref]:
    """Submit every method, and its held-out twin, before waiting for the first."""
    judging = recipe.evaluate
    held = {"fraction": judging.held_out_fraction, "seed": judging.held_out_seed}
    handles = {}
    for config in methods:
        task = {"method": method_part(config), "precision": recipe.runtime.precision}
        files = denoiser_files(config)
        image, twin = f"reconstruct:{config.method}", f"hold_out:{config.method}"
        handles[f"image:{config.method}"] = run.submit(StageCall("reconstruct", image, task, inputs, files))
        if judging.held_out_fraction:
            handles[twin] = run.submit(StageCall("hold_out", twin, task | held, inputs, files))
    return {name: run.finish(handle) for name, handle in handles.items()}


def _judging(recipe: Recipe) -> dict[str, Any]:
    """What of ``evaluate`` decides the figures; the held-out numbers belong to that stage's key."""
    return recipe.evaluate.model_dump(mode="json", exclude={"held_out_fraction", "held_out_seed"})
