"""Every iterative method goes on at its checkpoint after an interruption, to the bits of a whole run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.configs.loading import load_recipe
from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.flows.launch import Finished, launch
from proxflow.models.solvers.iteration import Iteration
from proxflow.tasks.reporting import SilentReporter

ITERATIVE = [name for name, schema in METHOD_SCHEMAS.items() if "n_iter" in schema.model_fields]
N_ITER, STOP_AT, NEVER = 9, 5, 10_000
SMALL = {
    "dds": "samples: 2",
    "score_mri": "prior: fourier-wiener",
    "dps": "zeta: 3",
    "lpn": "tol: 0, prior: lpn-1.safetensors",
    "td_dip": "block_steps: 2, n_channels: 4",
    # networks and the second run have tests of their own, and one of the three finds its number of functions
    "red_psm": "tol: 0, refit: false, denoiser: tv, n_functions: 3, n_knots: 5",
    "psm": "tol: 0, refit: false",
    "psm_tv": "tol: 0, refit: false, n_functions: 3, n_knots: 5",
    "l1": "tol: 0, epsilon: 0.3",  # an estimate of the noise comes before the first iteration
    "tv_magnitude": "tol: 0, epsilon: 0.3",
    "pnp_magnitude": "tol: 0, epsilon: 0.3",
}


class Interrupting(SilentReporter):
    """Interrupts at an iteration, as Ctrl-C would, and counts those it heard of."""

    def __init__(self, stop_at: int) -> None:
        self._stop_at, self.heard = stop_at, list[int]()

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        self.heard.append(iteration.index)
        if iteration.index == self._stop_at:
            raise KeyboardInterrupt


@pytest.fixture
def recipe(
    tmp_path: Path,
    radial_scan: Callable[..., Path],
    ct_scan: Callable[..., Path],
    radar_scan: Callable[..., Path],
    series_scan: Callable[..., Path],
    frames_scan: Callable[..., Path],
    lpn_file: Callable[[int], Path],
) -> Callable[[str], Path]:
    """A recipe for a small scan that a method is for."""
    makers = {"mri-radial": radial_scan, "ct": ct_scan, "radar": radar_scan}
    makers |= {"ct-dynamic": series_scan, "mri-dynamic": frames_scan}

    def make(method: str) -> Path:
        path, kind = tmp_path / "recipe.yaml", METHOD_SCHEMAS[method].fits[0]
        kind = "mri-radial" if kind == "mri-cartesian" else kind
        if method == "lpn":
            lpn_file(1)
        path.write_text(f"name: small\nscan: {{kind: {kind}, path: {makers[kind]()}}}\n")
        return path

    return make


def run(path: Path, method: str, store: Path, listener: SilentReporter) -> Finished:
    numbers = f"{{method: {method}, n_iter: {N_ITER}, {SMALL.get(method, 'tol: 0')}}}"
    changes = [f"reconstruct={numbers}", "compare=[]", "evaluate.held_out_fraction=0", "runtime.device=cpu"]
    changes += [f"runtime.store={store}", "runtime.checkpoint_seconds=0.000001"]
    if METHOD_SCHEMAS[method].fits[0] == "radar":
        changes += ["image.matrix=[9, 10, 11]", "image.voxel_mm=10", "image.centre_mm=[250, -30, 20]"]
    loaded = load_recipe(path, changes)
    return launch(loaded, (loaded.reconstruct,), command="", out=store / "result", listener=listener)


def image(finished: Finished) -> np.ndarray:
    with h5py.File(finished.folder / "image.h5") as file:
        return np.asarray(file["image"][()])


@pytest.mark.parametrize("method", ITERATIVE)
def test_interrupted_and_resumed_gives_the_bits_of_an_undisturbed_run(
    recipe: Callable[[str], Path], tmp_path: Path, method: str
) -> None:
    path = recipe(method)
    with pytest.raises(KeyboardInterrupt):
        run(path, method, tmp_path / "disturbed", Interrupting(STOP_AT))
    second = Interrupting(NEVER)
    resumed = run(path, method, tmp_path / "disturbed", second)
    whole = run(path, method, tmp_path / "whole", Interrupting(NEVER))
    assert min(second.heard) == STOP_AT  # the last saved was the one before
    np.testing.assert_array_equal(image(resumed), image(whole))
    assert np.abs(image(whole)).max() > 0
