"""The ready recipes of plug-and-play on the magnitude: radar, SAR and MRI, made quick."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest


def settings(store: Path, *changes: str) -> list[str]:
    every = (f"runtime.store={store}", "runtime.device=cpu", *changes)
    return [part for change in every for part in ("--set", change)]


def magnitude(path: str | Path) -> np.ndarray:
    with h5py.File(path) as file:
        return np.abs(file["image"][()])


def speckle(image: np.ndarray, area: tuple[slice, slice]) -> float:
    """Standard deviation over mean of the magnitude in an area: 0.52 where waves at random add up."""
    found = image[0][area]
    return float(found.std() / found.mean())


def test_tumour_of_the_phantom_and_what_its_report_shows(proxflow: Any, store: Path) -> None:
    """Coarser than as it ships; near where back-projection finds it, which has its own test."""
    quick = (
        *("prepare.1.n_frequencies=8", "image.matrix=[9, 16, 16]", "image.voxel_mm=8"),
        *("compare=[{method: back_projection}]", "reconstruct.n_iter=5", "evaluate.held_out_fraction=0"),
    )
    code, run, err = proxflow("compare", "radar-pnp-magnitude", *settings(store, *quick))
    assert code == 0, err
    folder = Path(run["run_dir"])
    pattern = r"(\w+): largest magnitude of tumour P3 at \(x, y, z\) = \(([-\d.]+), ([-\d.]+), ([-\d.]+)\) mm"
    found = re.findall(pattern, (folder / "metrics.json").read_text())
    places = {name: np.array([x, y, z], dtype=float) for name, x, y, z in found}
    assert set(places) == {"pnp_magnitude", "back_projection"}
    assert np.linalg.norm(places["pnp_magnitude"] - places["back_projection"]) <= 2 * 8
    page = (folder / "report.html").read_text()
    for axis in "zyx":
        assert f"maximum along {axis}" in page
    for name in places:
        assert f"Slices of {name} in dB through" in page
        assert page.count(f"Surfaces of {name} at −3 and −10 dB in their box") >= 2
    assert 'data-decibels="40.0"' in page


def test_the_demo_of_radar_is_that_recipe(proxflow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, list[str]]] = []

    def noted(loaded: Any, methods: Any, **_: Any) -> None:
        ran.append((loaded.name, [method.method for method in methods]))

    monkeypatch.setattr("proxflow.flows.cli.recipe_run.execute", noted)
    code, _, err = proxflow("demo", "--modality", "radar")
    assert code == 0, err
    assert ran == [("radar-pnp-magnitude", ["pnp_magnitude", "back_projection", "l1"])]


def test_parked_cars_are_even_and_stand_out(proxflow: Any, store: Path) -> None:
    """Between the cars of the back-projected image is speckle; plug-and-play leaves little of it."""
    quick = ("compare=[{method: back_projection}]", "reconstruct.n_iter=6", "evaluate.held_out_fraction=0")
    code, run, err = proxflow("compare", "sar-pnp-magnitude", *settings(store, *quick))
    assert code == 0, err
    ours = magnitude(run["image"])
    sums = magnitude(Path(run["run_dir"]) / "images" / "back_projection.h5")
    assert ours.shape == sums.shape == (1, 92, 120)
    ground = slice(42, 52), slice(40, 80)
    assert speckle(sums, ground) > 0.4
    assert speckle(ours, ground) < 0.5 * speckle(sums, ground)
    for y, x in ((62, 28), (62, 56), (57, 84), (28, 61), (28, 91)):  # the cars, 3 m wide
        car = slice(y - 5, y + 5), slice(x - 5, x + 5)
        assert ours[0][car].mean() > 1.5 * ours[0][ground].mean()
        assert sums[0][car].mean() > 1.5 * sums[0][ground].mean()


def test_mri_predicts_samples_withheld_better_than_least_squares(proxflow: Any, store: Path) -> None:
    one = "compare=[{method: cg_sense, lam: 0.02}]"
    code, run, err = proxflow("compare", "mri-pnp-magnitude", *settings(store, one))
    assert code == 0, err
    figures = json.loads((Path(run["run_dir"]) / "metrics.json").read_text())["methods"]
    values = {
        name: {key: m["value"] for key, m in figure["metrics"].items()} for name, figure in figures.items()
    }
    assert values["pnp_magnitude"]["held_out_error"] < values["cg_sense"]["held_out_error"]
    assert values["pnp_magnitude"]["psnr"] > values["cg_sense"]["psnr"]
    assert values["pnp_magnitude"]["ssim"] > values["cg_sense"]["ssim"]
