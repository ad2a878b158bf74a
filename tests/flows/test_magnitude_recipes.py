"""The ready recipes of plug-and-play on the magnitude: SAR and MRI, made quick."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np


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
