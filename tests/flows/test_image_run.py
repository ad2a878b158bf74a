"""Runs of pictures: the ready recipes on a crop, a picture that is blurred already, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from proxflow.operators.gaussian_blur import GaussianBlur

BLOCKS = """name: blocks
scan: {kind: image, path: blocks.png}
prepare:
  - {kind: blur, sigma: 1, noise: 0.01}
reconstruct: {method: tv, n_iter: 40}
evaluate: {metrics: [psnr]}
runtime: {device: cpu, store: STORE}
"""
CROP = "{kind: crop, matrix: [32, 30]}"
READY = {
    "deblur-lpn": f"prepare=[{CROP}, {{kind: blur}}]",
    "cs-lpn": f"prepare=[{CROP}, {{kind: circulant_sensing}}]",
}


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


@pytest.fixture
def blocks(tmp_path: Path, store: Path, picture_file: Any) -> Path:
    picture_file()
    path = tmp_path / "recipe.yaml"
    path.write_text(BLOCKS.replace("STORE", str(store)))
    return path


def metrics(run: dict[str, Any]) -> dict[str, dict[str, float]]:
    told = json.loads((Path(run["run_dir"]) / "metrics.json").read_text())["methods"]
    found = told.items() if isinstance(told, dict) else [(one["name"], one) for one in told]
    return {name: {key: value["value"] for key, value in one["metrics"].items()} for name, one in found}


@pytest.mark.parametrize("name", READY)
def test_ready_recipes_run_on_a_crop(proxflow: Any, store: Path, lpn_file: Any, name: str) -> None:
    """lpn by a drawn network and few iterations: with the shipped one it takes minutes on a CPU."""
    quick = (f"reconstruct.prior={lpn_file(1)}", "reconstruct.n_iter=3", "compare.2.n_iter=8")
    every = (READY[name], *quick, f"runtime.store={store}", "runtime.device=cpu")
    code, run, err = proxflow("compare", name, *settings(*every))
    assert code == 0, err
    found = metrics(run)
    assert list(found) == ["lpn", "tv", "l1_wavelet", "pnp_admm"]
    assert min(one["psnr"] for method, one in found.items() if method != "lpn") > 10
    assert all(0 < one["held_out_error"] < 2 for one in found.values())
    text = (Path(run["run_dir"]) / "report.html").read_text()
    assert "Reference: the picture itself, of which the measurements were simulated" in text
    assert {"deblur-lpn": "The blurred picture", "cs-lpn": "The adjoint of 240 random"}[name] in text


def test_methods_that_suit_bring_a_blurred_picture_nearer(proxflow: Any, blocks: Path) -> None:
    others = "zero_filled,cgls,l1_wavelet,red,pnp_admm,dds"
    code, run, err = proxflow(
        "compare", blocks, "--methods", f"tv,{others}", *settings("report.exports=[png]")
    )
    assert code == 0, err
    found = metrics(run)
    assert set(found) == {"tv", *others.split(",")}
    assert found["tv"]["psnr"] > found["zero_filled"]["psnr"] + 3
    again, same, _ = proxflow(
        "compare", blocks, "--methods", f"tv,{others}", *settings("report.exports=[png]")
    )
    assert again == 0 and all(stage["cached"] for stage in same["stages"])


def test_a_picture_that_is_blurred_already(proxflow: Any, blocks: Path, tmp_path: Path) -> None:
    scene = np.asarray(Image.open(tmp_path / "blocks.png"), dtype=np.float64)
    full = GaussianBlur((34, 29), 1.0).forward(torch.from_numpy(scene)).numpy()
    np.save(tmp_path / "camera.npy", full[4:-4, 4:-4])  # where the kernel lies in the scene as a whole
    change = (
        "scan.path=camera.npy",
        "prepare=[{kind: blurred, sigma: 1, noise: 0.001}]",
        "reconstruct.lam=1e-4",
    )
    code, run, err = proxflow("run", blocks, *settings(*change, "reconstruct.n_iter=300"))
    assert code == 0, err
    assert "psnr" not in metrics(run)["tv"]
    with h5py.File(run["image"]) as file:
        found = file["image"][0]
    assert found.shape == (30, 25)
    inner, truth = found[4:-4, 4:-4], scene[6:-6, 6:-6]
    blurred = full[8:-8, 8:-8]
    assert np.abs(inner - truth).mean() < 0.4 * np.abs(blurred - truth).mean()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("scan.path=colours.png", "colours.png must be a grey picture, got 3 channels (RGB)"),
        ("scan.path=nan.npy", "nan.npy: pictures must be finite, got 1 NaN or Inf values in item 0"),
        ("scan.path=small.npy", "of at least 8 x 8 pixels, without colours, got shape (5, 40)"),
        ("scan.path=none.png", "must be an existing file, got none there"),
        ("scan.kind=mri-cartesian", "must go with scan.kind mri-cartesian, got blur, which is for image"),
        ("prepare.0.sigma=0", "prepare[0].sigma must be greater than 0, got 0"),
        ("prepare.0.sigma=-1", "prepare[0].sigma must be greater than 0, got -1"),
        ("prepare=[{kind: circulant_sensing, ratio: 0}]", "ratio must be greater than or equal to 1, got 0"),
        ("prepare=[{kind: circulant_sensing, ratio: 600}]", "ratio must be at most 493 for 34 x 29 pixels"),
        ("prepare=[]", "must say once how the picture was measured"),
        ("reconstruct={method: fbp}", "must go with scan.kind image, got fbp, which is for ct"),
        ("reconstruct={method: dps}", "must go with scan.kind image, got dps"),
        ("image.matrix=[20, 20]", "image must be left out: a picture fixes its image"),
        ("evaluate.metrics=[nrmse_complex]", "must be a metric of real images for scan.kind image"),
        ("calibrate.kind=espirit", "must go with scan.kind image, got espirit"),
    ],
)
def test_bad_input_is_one_sentence(
    proxflow: Any, blocks: Path, tmp_path: Path, change: str, sentence: str
) -> None:
    picture = np.ones((20, 40))
    Image.fromarray(np.stack([picture] * 3, -1).astype(np.uint8)).save(tmp_path / "colours.png")
    np.save(tmp_path / "small.npy", picture[:5])
    picture[3, 4] = np.nan
    np.save(tmp_path / "nan.npy", picture)
    code, run, err = proxflow("run", blocks, *settings(change), "--out", "result")
    assert code == 2 and run["status"] == "bad_input", err
    assert sentence in err and "Traceback" not in err and not (tmp_path / "result").exists()
