"""Held-out errors of a method on the scans that train it, through the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, Protocol

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.data.store.store import ArtefactStore, Ref
from proxflow.tasks.batch.scan_list import find_scans
from proxflow.tasks.batch.unit_names import unit_names
from proxflow.tasks.calls import StageCall
from proxflow.tasks.denoisers import denoiser_files, method_part
from proxflow.tasks.pipeline import Engine, calibrated
from proxflow.tasks.recipe_scan import divided
from proxflow.tasks.training.search import Candidate


class TrainingListener(Protocol):
    """Listener to a training, beside the reporter that hears the stages it is made of."""

    def planned(self, method: str, reconstructions: int) -> None:
        """How many reconstructions the method will take in all, as far as is known now."""

    def tried(self, method: str, number: str, candidate: Candidate) -> None:
        """The error of one more value is known."""


@dataclass(frozen=True)
class TrainingScan:
    """One scan: its name for people, its file, and its prepared and calibrated artefacts."""

    name: str
    path: str
    inputs: dict[str, Ref]


@dataclass(frozen=True)
class HeldOutSamples:
    """Scans, and which of their measurements are held out: ``fraction`` of them, once for each seed."""

    scans: tuple[TrainingScan, ...]
    fraction: float
    seeds: int
    precision: str
    engine: Engine
    store: ArtefactStore
    listener: TrainingListener

    @property
    def repeats(self) -> int:
        """Reconstructions for one value."""
        return len(self.scans) * self.seeds

    def cases(self) -> list[tuple[TrainingScan, int]]:
        """(scan, seed) in the order of a candidate's errors."""
        return [(scan, seed) for scan in self.scans for seed in range(self.seeds)]

    def candidates(self, config: MethodConfig, number: str, values: Sequence[float]) -> list[Candidate]:
        """The errors of ``config`` with each of ``values`` for its ``number``; all are submitted at once."""
        handles = [
            [self.engine.submit(self._call(config, number, value, scan, seed)) for scan, seed in self.cases()]
            for value in values
        ]
        found = []
        for value, row in zip(values, handles, strict=True):
            candidate = Candidate(value, tuple(self._error(handle) for handle in row))
            self.listener.tried(config.method, number, candidate)
            found.append(candidate)
        return found

    def _call(
        self, config: MethodConfig, number: str, value: float, scan: TrainingScan, seed: int
    ) -> StageCall:
        """The stage a run with these numbers and this seed has too."""
        whole = type(config).model_fields[number].annotation is int
        chosen = config.model_copy(update={number: int(value) if whole else value})
        task: dict[str, Any] = {
            "method": method_part(chosen),
            "precision": self.precision,
            "fraction": self.fraction,
            "seed": seed,
        }
        label = f"hold_out:{config.method} {number}={value:g} {scan.name} seed {seed}"
        return StageCall("hold_out", label, task, scan.inputs, denoiser_files(chosen))

    def _error(self, handle: Any) -> float:
        """Mean over the scan's items."""
        ref = self.engine.result(handle).ref
        with self.store.open(ref) as artefact:
            error = mean(row["error"] for row in artefact.document("held_out"))
        self.store.let_go(ref)
        return error


def training_scans(recipe: Recipe, paths: Sequence[str], engine: Engine) -> tuple[TrainingScan, ...]:
    """The recipe's scan, or those that ``paths`` name, read as the recipe says, prepared and calibrated."""
    own = divided(recipe.scan)
    found = find_scans(paths, own.reader) if paths else [own.path]
    scans = []
    for name, path in zip(unit_names(found), found, strict=True):
        of_path = recipe.model_copy(update={"scan": own.model_copy(update={"path": path})})
        scans.append(TrainingScan(name, path, calibrated(of_path, engine)))
    return tuple(scans)
