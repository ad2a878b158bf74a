"""The ready recipes of CT, radar and radial MRI on the measured scans that ship, made quick."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import loadmat

from proxflow.data.samples.catalogue import sample_path


def settings(store: Path, *changes: str) -> list[str]:
    return [
        part
        for change in (f"runtime.store={store}", "runtime.device=cpu", *changes)
        for part in ("--set", change)
    ]


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def test_disc_is_round_upright_and_to_scale(proxflow: Any, store: Path) -> None:
    coarse = ("image.matrix=[128, 128]", "image.voxel_mm=0.5932", "evaluate.held_out_fraction=0")
    code, run, _ = proxflow("run", "ct-htc2022-full", *settings(store, *coarse))
    assert code == 0
    found = image(run)[0] > 0.016
    segmentation = loadmat(sample_path("htc2022-ta").with_name("htc2022-ta_seg.mat"))["reconFullFbpSeg"]
    reference = segmentation.reshape(128, 4, 128, 4).mean((1, 3)) > 0.5
    assert dice(found, reference) > 0.97
    for turned in (np.flipud(found), np.fliplr(found), found.T, np.rot90(found, 2)):
        assert dice(turned, reference) < 0.92
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    for length in (np.ptp(rows) + 1, np.ptp(columns) + 1):
        assert length * 0.5932 == pytest.approx(70, abs=0.9)


def test_arc_is_judged_against_all_views(proxflow: Any, store: Path) -> None:
    coarse = ("image.matrix=[96, 96]", "image.voxel_mm=0.791", "reconstruct.n_iter=40", "compare.1.n_iter=8")
    code, run, _ = proxflow("compare", "ct-htc2022-arc90", *settings(store, *coarse))
    assert code == 0
    text = (Path(run["run_dir"]) / "report.html").read_text()
    assert "filtered back-projection of all measured views" in text
    assert "the segmentation that came with the scan" in text
    assert run["metrics"]["psnr"] > 12


def test_axis_of_the_tooth_is_found(proxflow: Any, store: Path) -> None:
    coarse = ("image.matrix=[128, 128]", "image.voxel_mm=5", "evaluate.held_out_fraction=0")
    code, run, _ = proxflow("run", "ct-tooth", *settings(store, *coarse))
    assert code == 0
    assert image(run).shape == (2, 128, 128)
    text = (Path(run["run_dir"]) / "report.html").read_text()
    column = re.search(r"Axis of rotation at column ([\d.]+), found in the sinogram", text)
    assert column is not None
    assert float(column[1]) == pytest.approx(296, abs=0.5)


def test_matrix_in_the_store_gives_the_same_image(proxflow: Any, store: Path) -> None:
    coarse = ("image.matrix=[96, 96]", "image.voxel_mm=6", "evaluate.held_out_fraction=0", "scan.items=[0]")
    iterative = ("reconstruct={method: cgls, n_iter: 5}",)
    _, rays, _ = proxflow("run", "ct-tooth", *settings(store, *coarse, *iterative))
    held = ("calibrate.backend=matrix",)
    _, matrix, _ = proxflow("run", "ct-tooth", *settings(store, *coarse, *iterative, *held))
    np.testing.assert_allclose(image(matrix), image(rays), atol=1e-4 * float(image(rays).max()))


def test_tumour_is_where_delay_and_sum_finds_it(proxflow: Any, store: Path) -> None:
    small = ("prepare.1.n_frequencies=10", "image.matrix=[13, 23, 23]", "compare=[{method: back_projection}]")
    quick = (*small, "reconstruct.n_iter=30", "evaluate.held_out_fraction=0")
    code, run, _ = proxflow("compare", "radar-merit-breast", *settings(store, *quick))
    assert code == 0
    text = (Path(run["run_dir"]) / "metrics.json").read_text()
    pattern = r"(\w+): largest magnitude of tumour P3 at \(x, y, z\) = \(([-\d.]+), ([-\d.]+), ([-\d.]+)\) mm"
    places = {name: np.array([x, y, z], dtype=float) for name, x, y, z in re.findall(pattern, text)}
    assert set(places) == {"l1", "back_projection"}
    assert np.linalg.norm(places["l1"] - places["back_projection"]) < 5
    away = places["l1"] - [15, 0, 35]  # where the source of the scan says that it is
    assert np.linalg.norm(away[:2]) < 4
    assert np.linalg.norm(away) < 8
    page = (Path(run["run_dir"]) / "report.html").read_text()
    assert "Slices of l1 in dB through (x, y, z) = (16, 0, 28) mm" in page
    assert page.count('<svg class="drawing"') == 3 * 2 and len(page) < 400_000
    assert (Path(run["run_dir"]) / "previews" / "surfaces.png").stat().st_size > 10_000


def test_tv_predicts_unseen_spokes_best(
    proxflow: Any, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(store))
    code, run, _ = proxflow("demo", "--modality", "mri-radial", "--device", "cpu", "--out", "demo")
    assert code == 0
    assert Path(run["run_dir"]) == tmp_path / "demo" / "mri-radial-brain24"
    for name in ("mri-radial-brain", "mri-radial-brain24"):
        figures = json.loads((tmp_path / "demo" / name / "metrics.json").read_text())["methods"]
        errors = {method: values["metrics"]["held_out_error"]["value"] for method, values in figures.items()}
        assert errors["tv"] < 0.5
        assert errors["tv"] < errors["gridding"] < 1
