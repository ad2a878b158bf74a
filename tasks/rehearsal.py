"""Does a recipe fit its scan? Its stages up to the reconstruction, on a few items, in memory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from proxflow.configs.recipe import Recipe
from proxflow.configs.runtime import parse_size
from proxflow.data.scan import ScanInfo
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.tasks.calls import Machine, StageContext
from proxflow.tasks.memory_artefact import MemoryArtefact
from proxflow.tasks.modalities.base import Modality, Problem, Setting, reference_kind
from proxflow.tasks.modalities.registry import modality
from proxflow.tasks.pipeline import maps_files, scan_files, stage_configs
from proxflow.tasks.recipe_scan import open_recipe_scan
from proxflow.tasks.stage import StageFunction
from proxflow.tasks.stages.calibrate import calibrate
from proxflow.tasks.stages.ingest import checked_kind, chosen, ingest
from proxflow.tasks.stages.prepare import prepare


@dataclass(frozen=True)
class Rehearsal:
    """A recipe and its scan, found to fit.

    Attributes:
        n_items: chosen items; ``probed`` are the scan's numbers of those that were tried.
        raw_shape, shape: of one item's samples, as measured and after preparation.
        scan: the document of the prepared scan.
        problem: the middle probed item.
        acceleration: positions per sample given to a method, where the scan has such a number.
        reference: fully_sampled, scan or none.
        seconds: of ingest, prepare and calibrate on the probed items.
    """

    info: ScanInfo
    kind: Modality
    n_items: int
    probed: tuple[int, ...]
    raw_shape: tuple[int, ...]
    shape: tuple[int, ...]
    scan: dict[str, Any]
    problem: Problem
    acceleration: float | None
    reference: str
    seconds: dict[str, float]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one item's image: the domain of its operator."""
        return self.problem.posed(self.problem.mask)[0].domain_shape


def rehearse(recipe: Recipe, device: str = "cpu") -> Rehearsal:
    """Read the first, middle and last chosen item, prepare and calibrate them as the run would.

    Raises ScanError for a file that makes no sense, RequestError for items, steps, a calibration, a reference
    or held-out measurements that do not fit it.
    """
    with open_recipe_scan(recipe.scan) as opened:
        info = opened.info
    checked_kind(recipe.scan, info)
    items = chosen(recipe.scan, info.n_items)
    probed = sorted({items[0], items[len(items) // 2], items[-1]})
    memory = recipe.runtime.memory
    machine = Machine("", 0, device, 0.0, parse_size(memory) if memory else None)
    stages = _Stages(machine)
    configs = stage_configs(recipe)
    files = {name: Path(path) for name, path in scan_files(recipe).items()}
    scan = stages.run("ingest", ingest, configs["ingest"] | {"items": probed}, {}, files)
    prepared = stages.run("prepare", prepare, configs["prepare"], {"scan": scan}, {})
    given = {name: Path(path) for name, path in maps_files(recipe).items()}
    calibrated = stages.run("calibrate", calibrate, configs["calibrate"], {"prepared": prepared}, given)
    kind, document = modality(info.modality), prepared.document("scan")
    middle = len(probed) // 2
    setting = Setting(recipe.runtime.precision, machine)
    problem = kind.problem(prepared, calibrated, middle, setting)
    judging = recipe.evaluate
    if judging.held_out_fraction:
        kind.withhold(
            problem, calibrated, middle, fraction=judging.held_out_fraction, seed=judging.held_out_seed
        )
    return Rehearsal(
        info=info,
        kind=kind,
        n_items=len(items),
        probed=tuple(probed),
        raw_shape=scan.shape("samples")[1:],
        shape=prepared.shape("samples")[1:],
        scan=document,
        problem=problem,
        acceleration=document["acceleration"],
        reference=reference_kind(judging, kind, prepared),
        seconds=stages.seconds,
    )


class _Stages:
    """Runs stage functions over artefacts in memory, and times them."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.seconds: dict[str, float] = {}

    def run(
        self,
        name: str,
        function: StageFunction,
        config: dict[str, Any],
        inputs: dict[str, Artefact],
        files: dict[str, Path],
    ) -> Artefact:
        made = MemoryArtefact()
        context = StageContext(name, config, inputs, files, self._machine, Path())
        began = time.perf_counter()
        function(context, cast(ArtefactWriter, made))
        self.seconds[name] = time.perf_counter() - began
        return cast(Artefact, made)


def bytes_of(shape: tuple[int, ...], itemsize: int) -> int:
    """Bytes of an array."""
    return int(np.prod(shape, dtype=np.int64)) * itemsize
