"""Trajectories in every unit and order become the same; what fits nothing is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.readers.radial_npz import RadialNpzScan, is_radial_npz

RANDOM = np.random.default_rng(4)
MATRIX = (24, 32)
SAMPLES = (RANDOM.normal(size=(2, 3, 5, 64)) + 1j * RANDOM.normal(size=(2, 3, 5, 64))).astype(np.complex64)
ANGLES = np.linspace(0, np.pi, 5, endpoint=False)[:, None]
# Cycles per sample, (ky, kx), along spokes.
CYCLES = (np.stack([np.sin(ANGLES), np.cos(ANGLES)], -1) * np.linspace(-0.5, 0.5, 64)[:, None]).astype("f4")
NAMES = ("item", "coil", "spoke", "readout")
BASE: dict[str, Any] = {
    "modality": "mri-radial",
    "axes": list(NAMES),
    "kspace": "k",
    "trajectory": "t",
    "trajectory_axes": "ky, kx",
    "trajectory_units": "cycles/sample",
    "grid": [48, 64],
    "matrix": list(MATRIX),
}


def write(folder: Path, arrays: dict[str, Any], **fields: Any) -> Path:
    """An .npz and its sidecar; a field of None is left out."""
    np.savez(folder / "scan.npz", **arrays)
    content = {key: value for key, value in {**BASE, **fields}.items() if value is not None}
    (folder / "scan.yaml").write_text(json.dumps(content))
    return folder / "scan.npz"


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(ScanError, match=sentence) as caught, RadialNpzScan(path) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("unit", "scale", "grid"),
    [
        ("cycles/sample", 1.0, [48, 64]),
        ("rad/sample", 2 * np.pi, [48, 64]),
        ("cycles/fov", np.array(MATRIX), None),
    ],
)
@pytest.mark.parametrize("order", ["ky, kx", "kx, ky"])
def test_every_unit_and_order_gives_the_same_trajectory(
    tmp_path: Path, unit: str, scale: Any, grid: list[int] | None, order: str
) -> None:
    written = (CYCLES * scale).astype(np.float32)
    written = written[..., ::-1] if order == "kx, ky" else written
    arrays = {
        "k": SAMPLES.transpose(3, 0, 2, 1),
        "t": written,
        "n": SAMPLES[0, :, 0],
        "r": np.ones((2, 9, 9)),
    }
    path = write(
        tmp_path,
        arrays,
        axes=["readout", "item", "spoke", "coil"],
        trajectory_units=unit,
        trajectory_axes=order,
        grid=grid,
        noise="n",
        reference="r",
        field_of_view_mm=[5, 240, 320],
        labels=["a", "b"],
    )
    assert is_radial_npz(path)
    with RadialNpzScan(path) as scan:
        assert scan.info.shape == (2, 3, 5, 64)
        assert (scan.info.modality, scan.info.axes) == ("mri-radial", NAMES)
        read, second = scan.read(), scan.read([1])
    np.testing.assert_array_equal(read.samples, SAMPLES)
    np.testing.assert_array_equal(second.samples, SAMPLES[1:])
    np.testing.assert_allclose(read.trajectory, CYCLES * np.array(MATRIX), rtol=1e-6, atol=1e-5)
    assert read.trajectory.dtype == np.float32
    assert (read.labels, read.geometry.matrix) == (("a", "b"), MATRIX)
    assert read.geometry.voxel_size_mm == (5.0, 10.0, 10.0)
    assert (second.geometry.slices, second.labels) == ((1,), ("b",))
    np.testing.assert_array_equal(read.noise, SAMPLES[0, :, 0])


def test_a_single_coil_and_no_matrix(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"k": SAMPLES[0, 0], "t": CYCLES.astype("f8")}, axes=["spoke", "readout"], matrix=None
    )
    with RadialNpzScan(path) as scan:
        read = scan.read()
    assert read.samples.shape == (1, 1, 5, 64)
    assert read.geometry.matrix == (48, 64)
    assert read.trajectory.dtype == np.float64


def test_kdata_and_traj_need_no_sidecar(tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    np.savez(path, kdata=SAMPLES[0], traj=CYCLES[..., ::-1])
    assert is_radial_npz(path)
    with RadialNpzScan(path) as scan:
        assert "cycles/sample of a 64 x 64 grid" in scan.info.notes[0]
        read = scan.read()
    np.testing.assert_array_equal(read.samples[0], SAMPLES[0])
    assert read.geometry.matrix == (32, 32)
    np.testing.assert_allclose(read.trajectory, CYCLES * 32, atol=1e-5)


def test_names_alone_are_trusted_only_where_they_fit(tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    cases = [
        ({"kdata": SAMPLES, "traj": CYCLES}, r"kdata must have axes \(coil, spoke, readout\)"),
        (
            {"kdata": SAMPLES[0], "traj": CYCLES * 6},
            "must be in cycles/sample, up to about 0.5, .* got up to 3",
        ),
        ({"kdata": SAMPLES[0], "traj": CYCLES.swapaxes(0, 1)}, r"\(axes swapped\?\)"),
        ({"kdata": SAMPLES[0].swapaxes(1, 2), "traj": CYCLES}, r"\(axes swapped\?\)"),
        ({"kdata": np.abs(SAMPLES[0]), "traj": CYCLES}, "kdata must be complex64 or complex128"),
        ({"kdata": SAMPLES[0], "path": CYCLES}, "or hold the keys kdata and traj, got kdata, path"),
    ]
    for arrays, sentence in cases:
        np.savez(path, **arrays)
        refused(path, sentence)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"modality": "mri-cartesian"}, "modality must be mri-radial, got mri-cartesian"),
        ({"trajectorie": 1}, "key must be one of .* did you mean trajectory"),
        ({"axes": None}, "axes must name coil, spoke, readout or spoke, readout"),
        ({"axes": ["coil", "readout"]}, "axes must name"),
        ({"axes": list(NAMES[1:])}, r"k must have axes \(coil, spoke, readout\), got shape \(2, 3, 5, 64\)"),
        ({"axes": ["item", "coil", "readout", "spoke"]}, r"\(axes swapped\?\)"),
        ({"kspace": "x"}, "must hold the key x, got k, t"),
        ({"trajectory": "x"}, "must hold the key x, got k, t"),
        ({"kspace": 3}, "kspace must be a text, got 3"),
        ({"trajectory_axes": None}, 'trajectory_axes must be one of "ky, kx", "kx, ky", got none'),
        ({"trajectory_units": "1/m"}, "trajectory_units must be one of cycles/sample, .* got 1/m"),
        ({"grid": None}, "grid must be given for cycles/sample"),
        ({"trajectory_units": "cycles/fov", "grid": None, "matrix": None}, "matrix must be given"),
        ({"trajectory_units": "cycles/fov"}, "got up to 0.5, which looks like cycles/sample"),
        ({"trajectory_units": "rad/sample"}, "got up to 0.5, which looks like cycles/sample"),
        ({"grid": [16, 16]}, r"matrix must be at most the grid \(16, 16\)"),
        ({"matrix": [24.5, 32]}, "matrix must be two whole numbers"),
        ({"matrix": [24, -1]}, "matrix must be a list of 2 positive numbers"),
        ({"field_of_view_mm": [200, 200]}, "field_of_view_mm must be a list of 3 positive numbers"),
        ({"labels": ["one"]}, "labels must be a list naming 2 items"),
        ({"noise": "t"}, "noise must be complex64 or complex128"),
        ({"reference": "t"}, r"t must be real or complex of shape \(2, y, x\)"),
    ],
)
def test_bad_sidecars(tmp_path: Path, fields: dict[str, Any], sentence: str) -> None:
    refused(write(tmp_path, {"k": SAMPLES, "t": CYCLES}, **fields), sentence)


@pytest.mark.parametrize(
    ("scale", "sentence"),
    [
        (2.0, r"within \[12.0, 16.0\] \(ky, kx\) .* twice the field of view"),
        (3.0 / 24 * 1000, "cycles or radians per metre"),
        (1.2, r"a matrix too small\?"),
        (0.0, "got only zeros"),
        (np.nan, "trajectory must be finite, got 640 NaN or Inf values, the first at spoke 0, readout 0"),
    ],
)
def test_a_trajectory_in_another_unit(tmp_path: Path, scale: float, sentence: str) -> None:
    arrays = {"k": SAMPLES, "t": CYCLES * np.float32(scale) * np.array(MATRIX, "f4")}
    refused(write(tmp_path, arrays, trajectory_units="cycles/fov"), sentence)


def test_bad_arrays(tmp_path: Path) -> None:
    broken, empty = SAMPLES.copy(), SAMPLES.copy()
    broken[1, 2, 3, 4:6] = np.inf
    empty[1] = 0
    spatial = np.concatenate([CYCLES, CYCLES[..., :1]], -1)
    cases = [
        ({"k": broken, "t": CYCLES}, "got 2 NaN or Inf samples in item 1, the first in coil 2, spoke 3"),
        ({"k": empty, "t": CYCLES}, "must hold signal, got only zeros in item 1"),
        ({"k": SAMPLES.real, "t": CYCLES}, "k must be complex64 or complex128, got float32"),
        ({"k": SAMPLES.real.astype("c8"), "t": CYCLES}, "got only real values in item 0"),
        ({"k": SAMPLES, "t": CYCLES[:4]}, r"\(spoke, readout, 2\) of shape \(5, 64, 2\) .* got \(4, 64, 2\)"),
        ({"k": SAMPLES, "t": np.moveaxis(CYCLES, -1, 0)}, r"got \(2, 5, 64\) \(axes swapped\?\)"),
        ({"k": SAMPLES, "t": spatial}, r"\(a 3-D trajectory\?\)"),
        ({"k": SAMPLES, "t": CYCLES[..., 0] + 1j * CYCLES[..., 1]}, "trajectory must be float32 or float64"),
        ({"k": SAMPLES[:0], "t": CYCLES}, "k must not be empty"),
    ]
    for arrays, sentence in cases:
        refused(write(tmp_path, arrays), sentence)


def test_damaged_files(tmp_path: Path) -> None:
    path = write(tmp_path, {"k": SAMPLES, "t": CYCLES, "o": np.array([{}], dtype=object)}, noise="o")
    refused(path, "must be a complete NumPy file of numbers")
    content = write(tmp_path, {"k": SAMPLES, "t": CYCLES}).read_bytes()
    for keep in (40, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:keep])
        refused(path, "must be a complete NumPy file of numbers")
    with path.open("wb") as raw:
        np.save(raw, SAMPLES)
    refused(path, "must be a NumPy .npz file, got a single array")
