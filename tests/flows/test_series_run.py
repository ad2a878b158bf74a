"""Two short series of projections, from a file through the command to numbers per frame and a page."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.writers.dynamic_sinogram_h5 import write_dynamic_sinogram_h5
from proxflow.operators.frame_projections import FrameProjections

SIDE, FRAMES, VIEWS = 24, 5, 6
RECIPE = """name: series
scan: {{kind: ct-dynamic, path: {scan}}}
reconstruct: {{method: framewise_tv, n_iter: 15, tol: 0}}
compare: [{{method: static, n_iter: 15, tol: 0}}]
evaluate: {{held_out_fraction: 0.2, region: full}}
report: {{exports: [nifti, tiff, apng]}}
runtime: {{device: cpu, store: {store}}}
"""


@pytest.fixture
def truth() -> np.ndarray:
    """float32 (item, frame, y, x): a disc that grows, and one that shrinks."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    grows = np.stack([0.05 * (np.hypot(y + 1, x - 2) < 5 + k) for k in range(FRAMES)])
    return np.stack([grows, grows[::-1]]).astype(np.float32)


@pytest.fixture
def recipe(tmp_path: Path, store: Path, truth: np.ndarray) -> Path:
    angles = np.linspace(0, np.pi, FRAMES * VIEWS, endpoint=False).reshape(VIEWS, FRAMES).T.copy()
    operator = FrameProjections((SIDE, SIDE), angles, SIDE, model="bilinear")
    samples = operator.forward(torch.from_numpy(truth)).numpy()
    scan = DynamicSinogram(
        samples, angles, ("first", "second"), 1.0, centre="pixel", image_pixel_mm=1.0, reference=truth
    )
    write_dynamic_sinogram_h5(tmp_path / "series.h5", scan)
    path = tmp_path / "series.yaml"
    path.write_text(RECIPE.format(scan=tmp_path / "series.h5", store=store))
    return path


def test_a_series_is_judged_shown_and_exported_frame_by_frame(
    proxflow, recipe: Path, tmp_path: Path, truth: np.ndarray
) -> None:
    code, document, err = proxflow("compare", recipe, "--out", tmp_path / "run")
    assert code == 0, err
    folder = Path(document["run_dir"])
    with h5py.File(folder / "image.h5") as file:
        image, labels = file["image"][()], file["labels"].asstr()[()].tolist()
    assert image.shape == (2 * FRAMES, SIDE, SIDE)
    assert labels[:2] == [f"first, frame 1 of {FRAMES}", f"first, frame 2 of {FRAMES}"]
    assert labels[-1] == f"second, frame {FRAMES} of {FRAMES}"

    figures = json.loads((folder / "metrics.json").read_text())
    assert figures["frames"] == FRAMES and figures["items"] == ["first", "second"]
    psnr = figures["methods"]["framewise_tv"]["metrics"]["psnr"]
    mse = ((image.reshape(truth.shape).astype(float) - truth) ** 2).mean(axis=(2, 3))
    peak = float(truth.max()) ** 2
    np.testing.assert_allclose(psnr["per_frame"], 10 * np.log10(peak / mse), rtol=1e-4)
    np.testing.assert_allclose(psnr["per_item"], 10 * np.log10(peak / mse.mean(axis=1)), rtol=1e-4)
    assert psnr["value"] == pytest.approx(10 * np.log10(peak / mse.mean()), rel=1e-4)
    unseen = figures["methods"]["static"]["metrics"]["held_out_error"]
    assert len(unseen["per_item"]) == 2 and "per_frame" not in unseen
    rows = list(csv.DictReader(io.StringIO((folder / "metrics.csv").read_text())))
    assert sum(row["item"] == f"second, frame 3 of {FRAMES}" for row in rows) == 2 * 4

    page = (folder / "report.html").read_text()
    assert f"frame 1 of {FRAMES}" in page and "All 5 frames in turn" in page
    with Image.open(folder / "previews" / "series.webp") as moving:
        assert moving.n_frames == FRAMES

    volume = np.asarray(nibabel.load(folder / "image.nii.gz").dataobj)
    stacked = np.abs(image).reshape(2, FRAMES, SIDE, SIDE)
    np.testing.assert_allclose(volume, stacked.transpose(3, 2, 0, 1), rtol=1e-6)
    with tifffile.TiffFile(folder / "image.tif") as file:
        assert file.series[0].axes == "ZTYX"
        np.testing.assert_allclose(file.asarray(), stacked, rtol=1e-6)
    with Image.open(folder / "image-animated.png") as moving:
        assert moving.n_frames == 2 * FRAMES
    _, again, _ = proxflow("compare", recipe, "--out", tmp_path / "again")
    assert all(stage["cached"] for stage in again["stages"])
