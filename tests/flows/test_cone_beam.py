"""A ball in a cone beam, from a file through the command to values, size and exported volumes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import pytest
import tifffile

from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.writers.sinogram_h5 import write_sinogram_h5

RADIUS_MM, VALUE = 8.0, 0.03
CENTRE_MM = np.array([3.0, -2.0, 1.2])  # x, y, z
SOURCE_ORIGIN_MM, SOURCE_DETECTOR_MM = 100.0, 150.0
N_VIEWS, N_ROWS, N_COLUMNS, CELL_MM = 120, 32, 40, 1.2
SHAPE, VOXEL_MM = (26, 31, 33), 0.8  # never cubic: swapped axes must show
RECIPE = """name: cone
scan: {{kind: ct, path: {scan}}}
image: {{matrix: [26, 31, 33], voxel_mm: 0.8}}
reconstruct: {{method: fdk}}
compare: [{{method: cgls, n_iter: 12}}]
evaluate: {{held_out_fraction: 0.1, reference: none}}
report: {{exports: [nifti, tiff]}}
runtime: {{device: cpu, store: {store}}}
"""


@pytest.fixture
def recipe(tmp_path: Path, store: Path) -> Path:
    """The ball's chords 2 sqrt(r^2 - d^2), d the distance of each ray from its centre."""
    angles = np.arange(N_VIEWS) * 2 * np.pi / N_VIEWS
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    u = (np.arange(N_COLUMNS) - (N_COLUMNS - 1) / 2) * CELL_MM
    v = ((np.arange(N_ROWS) - (N_ROWS - 1) / 2) * CELL_MM)[:, None, None]
    along = np.broadcast_arrays(
        -sin * SOURCE_DETECTOR_MM + u * cos + 0 * v,
        cos * SOURCE_DETECTOR_MM + u * sin + 0 * v,
        v + 0 * u + 0 * cos,
    )
    ray = np.stack(along, -1) / np.linalg.norm(np.stack(along, -1), axis=-1, keepdims=True)
    source = np.stack([SOURCE_ORIGIN_MM * sin, -SOURCE_ORIGIN_MM * cos, 0 * sin], -1)
    to_centre = CENTRE_MM - source
    square = (to_centre**2).sum(-1) - (to_centre * ray).sum(-1) ** 2
    samples = 2 * VALUE * np.sqrt(np.maximum(RADIUS_MM**2 - square, 0))[None].astype(np.float32)
    lengths = {
        "column_size_mm": CELL_MM,
        "row_size_mm": CELL_MM,
        "source_origin_mm": SOURCE_ORIGIN_MM,
        "source_detector_mm": SOURCE_DETECTOR_MM,
    }
    scan = Sinogram(samples, "attenuation", ScanGeometry("cone", angles, **lengths), ("ball",))
    write_sinogram_h5(tmp_path / "ball.h5", scan)
    path = tmp_path / "cone.yaml"
    path.write_text(RECIPE.format(scan=tmp_path / "ball.h5", store=store))
    return path


def distance_mm() -> np.ndarray:
    """(z, y, x): of every voxel's centre from the ball's; y counts against rows."""
    z, y, x = ((np.arange(n) - (n - 1) / 2) * VOXEL_MM for n in SHAPE)
    offset = (z[:, None, None] - CENTRE_MM[2], -y[:, None] - CENTRE_MM[1], x - CENTRE_MM[0])
    return np.sqrt(sum(part**2 for part in offset))


def volume(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        return np.asarray(file["image"][()])


def test_ball_has_its_value_and_place_and_leaves_as_nifti_and_tiff(proxflow: Any, recipe: Path) -> None:
    code, run, err = proxflow("compare", recipe)
    assert code == 0, err
    folder, distance = Path(run["run_dir"]), distance_mm()
    images = {"fdk": volume(folder / "image.h5"), "cgls": volume(folder / "images" / "cgls.h5")}
    for name, image in images.items():
        assert image.shape == SHAPE
        assert image[distance < 6].mean() == pytest.approx(VALUE, rel=0.02), name
        assert abs(image[(distance > 10) & (distance < 11)].mean()) < 0.03 * VALUE, name
        weight = np.where(distance < 11, image, 0)
        z, y, x = ((np.arange(n) - (n - 1) / 2) * VOXEL_MM for n in SHAPE)
        found = [float((weight * axis).sum() / weight.sum()) for axis in (x, -y[:, None], z[:, None, None])]
        np.testing.assert_allclose(found, CENTRE_MM, atol=0.2)
    assert 0 < run["methods"]["cgls"]["held_out_error"] < 0.05
    assert 0 < run["methods"]["fdk"]["held_out_error"] < 0.15

    nifti = nibabel.load(folder / "image.nii.gz")
    np.testing.assert_allclose(nifti.header.get_zooms(), [VOXEL_MM] * 3, rtol=1e-6)
    np.testing.assert_allclose(nifti.get_fdata(), np.abs(images["fdk"]).transpose(2, 1, 0), rtol=1e-6)
    pages = tifffile.imread(folder / "image.tif")
    np.testing.assert_array_equal(pages, np.abs(images["fdk"]))
    figures = json.loads((folder / "metrics.json").read_text())
    assert figures["methods"]["fdk"]["metrics"]["held_out_error"]["per_item"] != []


def test_fbp_of_a_cone_is_refused_by_check_and_run(proxflow: Any, recipe: Path, store: Path) -> None:
    for verb in ("check", "run"):
        code, _, err = proxflow(verb, recipe, "--set", "reconstruct={method: fbp}")
        assert code == 2
        assert err.strip() == "proxflow: fbp must be of a parallel or fan beam, got cone"
