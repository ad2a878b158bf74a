"""A step of `dds` in a run of a recipe, as it is started at a terminal, beside the function alone."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import h5py
import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from benchmarks.dds_forms import GAMMA, N_CG, Posed, posed, random_unet
from proxflow.configs.loading import validate_recipe
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.data.writers.kspace_h5 import write_kspace_h5
from proxflow.flows.cli.progress import TerminalReporter
from proxflow.flows.launch import launch
from proxflow.models.methods.dds_of_item import dds_of_item
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.solvers.iteration import Iteration, Monitor
from proxflow.tasks.diffusion_priors import open_diffusion_prior
from proxflow.tasks.reporting import Reporter
from proxflow.tasks.stages.checkpoints import StageCheckpoints

SETTLE = 2  # steps before those that count


class Timed(NamedTuple):
    """Seconds of steps, of what in them is the run's monitor, and the image."""

    steps: list[float]
    monitor: list[float]
    image: np.ndarray


class Overhead(NamedTuple):
    """The least step in the run and alone; the mean that the run's monitor takes of one, without a checkpoint
    and with one; how far the images are apart, relative."""

    run: float
    alone: float
    monitor: float
    saving: float
    apart: float


class Watch:
    """Reads the clock before and after what a run does at the end of a step."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.began: list[float] = []
        self.ended: list[float] = []

    def around(self, after: Monitor | None = None) -> Monitor:
        def watched(iteration: Iteration, state: tuple[Tensor, ...]) -> None:
            self.began.append(self.clock())
            if after is not None:
                after(iteration, state)
            self.ended.append(self.clock())

        return watched

    def timed(self, image: np.ndarray) -> Timed:
        steps = np.diff(self.ended)[SETTLE:].tolist()
        taken = [b - a for a, b in zip(self.began, self.ended, strict=True)]
        return Timed(steps, taken[SETTLE:], image)


def written(folder: Path, problem: Posed, settings: DiffusionUnetSettings) -> dict[str, Any]:
    """A scan, maps and weights in ``folder``, and the recipe that takes them."""
    ny, nx = problem.mask.shape
    scan = KSpace(problem.y.numpy()[None], problem.mask.numpy()[None], Geometry((ny, nx)), ("slice 1",))
    write_kspace_h5(folder / "scan.h5", scan)
    np.save(folder / "maps.npy", problem.coil_maps.numpy())
    weights = DiffusionWeights(random_unet(settings).state_dict(), asdict(settings))
    write_diffusion_weights(folder / "weights.safetensors", weights)
    prior = str(folder / "weights.safetensors")
    return {
        "name": "step",
        "scan": {"path": str(folder / "scan.h5")},
        "calibrate": {"kind": "given", "path": str(folder / "maps.npy")},
        "reconstruct": {"method": "dds", "prior": prior, "gamma": GAMMA, "n_cg": N_CG},
        "evaluate": {"held_out_fraction": 0},
        "runtime": {"device": "cpu", "threads": torch.get_num_threads()},
    }


@contextmanager
def watched_monitors(watch: Watch) -> Iterator[None]:
    """Monitors of runs are read the clock around."""
    made = StageCheckpoints.monitor

    def monitor(self: StageCheckpoints, item: int, listener: Reporter) -> Monitor:
        return watch.around(made(self, item, listener))

    with patch.object(StageCheckpoints, "monitor", monitor):
        yield


def in_run(
    folder: Path, values: dict[str, Any], n_levels: int, save_every: float, clock: Callable[[], float]
) -> Timed:
    """With a progress bar that is drawn, on an empty store."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        runtime = values["runtime"] | {"store": f"{place}/store", "checkpoint_seconds": save_every}
        method = values["reconstruct"] | {"n_iter": n_levels}
        recipe = validate_recipe(values | {"reconstruct": method, "runtime": runtime})
        watch, screen = Watch(clock), Console(file=io.StringIO(), force_terminal=True)
        with TerminalReporter(screen) as listener, watched_monitors(watch):
            done = launch(
                recipe, [recipe.reconstruct], command="", out=Path(place) / "out", listener=listener
            )
        with h5py.File(done.folder / "image.h5") as file:
            return watch.timed(file["image"][0])


def alone(problem: Posed, weights: Path, n_levels: int, clock: Callable[[], float]) -> Timed:
    watch, prior = Watch(clock), open_diffusion_prior(str(weights))
    found = dds_of_item(
        problem.operator, problem.y, prior=prior, n_iter=n_levels, gamma=GAMMA, n_cg=N_CG,
        monitor=watch.around(),
    )  # fmt: skip
    return watch.timed(found.image.numpy())


def overhead(
    settings: DiffusionUnetSettings,
    clock: Callable[[], float],
    *,
    n_coils: int,
    n: int,
    n_levels: int,
    rounds: int = 2,
) -> Overhead:
    """Of runs that save nothing and the function, in turns; then of one run that saves after every step."""
    problem = posed(n_coils, n)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        values = written(folder, problem, settings)
        runs, bare = [], []
        for _ in range(rounds):
            runs.append(in_run(folder, values, n_levels, 0.0, clock))
            bare.append(alone(problem, folder / "weights.safetensors", n_levels, clock))
        saving = in_run(folder, values, n_levels, 1e-6, clock)
    difference = np.linalg.norm(runs[0].image - bare[0].image) / np.linalg.norm(bare[0].image)
    return Overhead(
        min(step for run in runs for step in run.steps),
        min(step for one in bare for step in one.steps),
        float(np.mean([taken for run in runs for taken in run.monitor])),
        float(np.mean(saving.monitor)),
        float(difference),
    )
