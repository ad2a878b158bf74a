"""Dynamic CT from the command line: the authors' bare sinograms, bad input, the ready recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from proxflow.data.schedules import bit_reversed
from proxflow.operators.frame_projections import FrameProjections

J, P = 24, 16
RECIPE = """name: series
scan: {{kind: ct-dynamic, path: their.npy, schedule: bit_reversed}}
reconstruct: {{method: psm, n_functions: 3, n_knots: 5, n_iter: 12, tol: 0}}
evaluate: {{held_out_fraction: 0.1}}
runtime: {{device: cpu, store: {store}}}
"""
Command = Callable[..., tuple[int, dict[str, Any], str]]


def truth() -> np.ndarray:
    """(P, J, J): a disc that travels to the right."""
    y, x = np.mgrid[:J, :J]
    at = np.linspace(9, 13, P)[:, None, None]
    return 0.05 * ((y - 12) ** 2 + (x - at) ** 2 < 36.0)


@pytest.fixture
def stack(tmp_path: Path) -> np.ndarray:
    """The pi-symmetric stack (2 J, P) of the disc, saved as their.npy."""
    angles = np.stack([bit_reversed(P), bit_reversed(P) + np.pi], axis=1)
    clean = FrameProjections((J, J), angles, J, model="bilinear")(torch.from_numpy(truth())).numpy()
    noise = 5e-3 * clean.max() * np.random.default_rng(1).normal(size=(J, P))
    array = np.concatenate([clean[:, 0].T + noise, clean[:, 1].T + noise[::-1]])
    np.save(tmp_path / "their.npy", array)
    return array


@pytest.fixture
def recipe(tmp_path: Path, store: Path) -> Path:
    path = tmp_path / "series.yaml"
    path.write_text(RECIPE.format(store=store))
    return path


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def test_the_authors_array_is_reconstructed_as_it_is(
    proxflow: Command, recipe: Path, stack: np.ndarray, tmp_path: Path
) -> None:
    """The stack, its upper half, and that with a sidecar and the truth are one scan."""
    code, run, err = proxflow("run", recipe)
    assert code == 0, err
    found = image(run)
    assert found.shape == (P, J, J)
    error = np.linalg.norm(found - truth()) / np.linalg.norm(truth())
    mirrored = np.linalg.norm(found[:, :, ::-1] - truth()) / np.linalg.norm(truth())
    assert error < 0.45 < mirrored
    text = (Path(run["run_dir"]) / "report.html").read_text()
    assert "Rows 0 to 23 are used: rows 24 to 47 are the same projections" in text
    np.save(tmp_path / "half.npy", stack[:J])
    _, half, _ = proxflow("run", recipe, "--set", "scan.path=half.npy")
    np.testing.assert_array_equal(image(half), found)
    np.save(tmp_path / "truth.npy", truth())
    sidecar = {"modality": "ct-dynamic", "axes": ["column", "frame"], "reference": "truth.npy"}
    (tmp_path / "half.json").write_text(json.dumps(sidecar | {"schedule": "bit_reversed", "centre": "pixel"}))
    _, described, _ = proxflow("run", recipe, "--set", "scan.path=half.npy")
    np.testing.assert_array_equal(image(described), found)
    assert described["metrics"]["psnr"] > 12 and "psnr" not in run["metrics"]
    assert "came with the scan" in (Path(described["run_dir"]) / "report.html").read_text()


def hole(array: np.ndarray) -> np.ndarray:
    array[5, 3] = np.nan
    return array


WRONG: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "NaN": (hole, "their.npy: attenuation must be finite, got 1 NaN"),
    "complex": (lambda a: a * 1j, "their.npy: samples must be line integrals in real floats, got complex128"),
    "no power of two": (
        lambda a: a[:, :12],
        "their.npy: the schedule bit_reversed must have a power of two of projections, got 12",
    ),
    "not symmetric": (
        lambda a: np.concatenate([a[:J], a[:J]]),
        "their.npy: rows 24 to 47 must be the view at theta + pi, the mirror image of rows 0 to 23",
    ),
    "three axes": (lambda a: a[None], "their.npy must be a sinogram with the detector down and time across"),
    "counts": (lambda a: (1000 * a).astype(int), "samples must be line integrals in real floats, got int64"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("command", ["run", "check"])
def test_bad_arrays_are_one_sentence(
    proxflow: Command, recipe: Path, stack: np.ndarray, tmp_path: Path, case: str, command: str
) -> None:
    change, sentence = WRONG[case]
    np.save(tmp_path / "their.npy", change(stack.copy()))
    out = ("--out", "result") if command == "run" else ()
    refused(proxflow(command, recipe, *out), sentence)
    assert not (tmp_path / "result").exists()


SETTINGS = {
    "scan.schedule=null": "their.npy must have the angles of its projections in a sidecar, or in",
    "scan.schedule=spiral": "scan.schedule must be bit_reversed, golden, linear or random(SEED), got",
    "calibrate.model=fan": "calibrate.model must be one of auto, joseph, bilinear, got 'fan'",
    "calibrate.axis_column=24": "calibrate.axis_column must lie on the detector, 0 to 23, got 24",
    "reconstruct.n_knots=17": "reconstruct.psm: n_knots must be in 1 .. 16, the number of frames, got 17",
    "reconstruct.n_functions=6": "n_functions must be at most n_knots, 5, since the basis holds no more, got",
    "prepare=[{kind: keep_frames, n_frames: 17}]": "keep_frames n_frames must be at most 16, got 17",
    "prepare=[{kind: flat_field}]": "prepare[0] must go with scan.kind ct-dynamic, got flat_field",
    "evaluate.reference=scan": "evaluate.reference scan must have an image in the scan's file, got none",
}


@pytest.mark.parametrize("change", SETTINGS)
def test_bad_settings_are_one_sentence(
    proxflow: Command, recipe: Path, stack: np.ndarray, tmp_path: Path, change: str
) -> None:
    refused(proxflow("check", recipe, "--set", change), SETTINGS[change])


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_rank_above_the_data_is_one_sentence(
    proxflow: Command, recipe: Path, stack: np.ndarray, tmp_path: Path, command: str
) -> None:
    """More functions of time than there are frames, by the method itself and before it."""
    changes = ("reconstruct.basis=free", "reconstruct.n_functions=17")
    settings = [part for change in changes for part in ("--set", change)]
    out = ("--out", "result") if command == "run" else ()
    outcome = proxflow(command, recipe, *settings, *out)
    assert outcome[0] == 2 and outcome[1]["status"] == "bad_input"
    sentence = "reconstruct.psm: n_functions must be in 1 .. 16, the number of knots, got 17"
    assert [line for line in outcome[2].splitlines() if line.startswith("proxflow: ")] == [
        f"proxflow: {sentence}"
    ]
    assert not (tmp_path / "result").exists()


def test_a_truncated_file_is_one_sentence(
    proxflow: Command, recipe: Path, stack: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "their.npy"
    path.write_bytes(path.read_bytes()[:-100])
    refused(proxflow("run", recipe, "--out", "result"), "their.npy must be a complete NumPy file of numbers")
    assert not (tmp_path / "result").exists()


def test_wrong_angle_counts_are_one_sentence(
    proxflow: Command, recipe: Path, stack: np.ndarray, tmp_path: Path
) -> None:
    sidecar = {"modality": "ct-dynamic", "axes": ["column", "frame"], "angles_deg": [0, 90, 45]}
    (tmp_path / "their.json").write_text(json.dumps(sidecar))
    refused(
        proxflow("run", recipe, "--out", "result"),
        "their.json: angles_deg must name an angle for each of 16 frames x 1 view, got 3 of shape (3,)",
    )
    assert not (tmp_path / "result").exists()


def refused(outcome: tuple[int, dict[str, Any], str], sentence: str) -> None:
    code, run, err = outcome
    assert code == 2 and run["status"] == "bad_input"
    assert sentence in err
    assert err.startswith("proxflow: ") and len(err.strip().splitlines()) == 1


def test_the_ready_recipe_fits_its_sample(proxflow: Command, store: Path) -> None:
    few = "n_iter: 1, n_functions: 3, n_knots: 5"
    quick = (f"reconstruct={{method: psm, {few}}}", "prepare=[{kind: keep_frames, n_frames: 8}]")
    changes = [*quick, "evaluate.held_out_fraction=0", f"runtime.store={store}", "runtime.device=cpu"]
    settings = [part for change in changes for part in ("--set", change)]
    code, run, err = proxflow("run", "dynamic-ct-red-psm", *settings)
    assert code == 0, err
    assert image(run).shape == (8, 128, 128)
    assert run["metrics"]["psnr"] > 10
