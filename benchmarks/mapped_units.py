"""What one unit of work costs beside its work, and what a second worker gains.

    python -m benchmarks.mapped_units [--slices 64] [--units 200]

Two tables. A unit that does nothing, on every runner: what it takes to send and to hear of it, by as many
callers as there are workers. And 64 slices of measured k-space (the low-field phantom, zero-filled along the
slices, total variation) on a Dask cluster of one and of two workers of one thread each: the stage's own time.
Workers have imported all they need before the
clock starts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from proxflow.configs.loading import validate_recipe
from proxflow.configs.runtime import RuntimeConfig
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.open_scan import open_scan
from proxflow.data.store.store import ArtefactStore
from proxflow.data.writers.kspace_h5 import write_kspace_h5
from proxflow.flows.carry_out import machine_for
from proxflow.tasks.calls import StageCall
from proxflow.tasks.pipeline import calibrated
from proxflow.tasks.plain import PlainEngine
from proxflow.tasks.runners.open_runner import open_runner

RUNNERS = [("threads", 1), ("threads", 2), ("processes", 1), ("processes", 2), ("dask", 1), ("dask", 2)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=64)
    parser.add_argument("--units", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scan = volume(Path(folder) / "volume.h5", options.slices)
        print(f"{'runner':<12}{'workers':>8}{'ms a unit that does nothing':>32}")
        for name, workers in RUNNERS:
            print(f"{name:<12}{workers:>8}{1e3 * nothing(name, workers, options.units):>32.2f}", flush=True)
        print(f"\n{'runner':<12}{'workers':>8}{f's for {options.slices} slices, tv':>32}{'gain':>8}")
        alone = 0.0
        for name, workers in RUNNERS[2:]:
            seconds = stage(scan, Path(folder) / f"{name}-{workers}", name, workers)
            alone = seconds if workers == 1 else alone
            print(f"{name:<12}{workers:>8}{seconds:>32.2f}{alone / seconds:>8.2f}", flush=True)


def nothing(name: str, workers: int, units: int) -> float:
    """Seconds a unit takes that returns its argument."""
    runtime = RuntimeConfig.model_validate({"runner": name, "workers": workers})
    with open_runner(runtime) as runner, ThreadPoolExecutor(workers) as callers:
        list(callers.map(lambda number: runner.call(abs, number), range(10 * workers)))
        began = time.perf_counter()
        list(callers.map(lambda number: runner.call(abs, number), range(units)))
        return (time.perf_counter() - began) / units


def stage(scan: Path, store_root: Path, name: str, workers: int) -> float:
    """Seconds of the stage ``reconstruct``, assembled, on workers that are there already."""
    recipe = validate_recipe(
        {
            "name": "units",
            "scan": {"path": str(scan)},
            "prepare": [{"kind": "undersample", "acceleration": 2, "acs": [16, 16], "seed": 1}],
            "reconstruct": {"method": "tv"},
            "runtime": {"store": str(store_root), "runner": name, "workers": workers, "threads": 1},
        }
    )
    machine = machine_for(recipe)
    store = ArtefactStore(machine.store_path, machine.store_limit)
    with open_runner(recipe.runtime) as runner:
        inputs = calibrated(recipe, PlainEngine(machine, store))
        engine = PlainEngine(machine, store, runner)
        for n_iter in (1, 100):  # the first starts the workers, which import what they need
            task = {
                "method": {"method": "tv", "n_iter": n_iter, "tol": 0, "lam": 0.003},
                "precision": "single",
            }
            began = time.perf_counter()
            engine.result(engine.submit(StageCall("reconstruct", "reconstruct:tv", task, inputs)))
            seconds = time.perf_counter() - began
        engine.close()
    store.release()
    return seconds


def volume(path: Path, n_slices: int) -> Path:
    """The low-field phantom's measured k-space, zero-filled along the slices to ``n_slices``."""
    with open_scan("sample://phantom-lowfield") as scan:
        slices = scan.read().samples
    along = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(slices, axes=0), axis=0, norm="ortho"), axes=0)
    filled = np.zeros((n_slices, *slices.shape[1:]), np.complex64)
    start = n_slices // 2 - len(slices) // 2
    filled[start : start + len(slices)] = along
    finer = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(filled, axes=0), axis=0, norm="ortho"), axes=0)
    labels = tuple(f"slice {index}" for index in range(n_slices))
    geometry = Geometry((slices.shape[2], slices.shape[3]), slices=tuple(range(n_slices)))
    mask = np.ones((1, *slices.shape[2:]), bool)
    return write_kspace_h5(path, KSpace(finer.astype(np.complex64), mask, geometry, labels))


if __name__ == "__main__":
    main()
