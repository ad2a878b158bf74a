"""CT in .npy and .npz with a sidecar: what the sidecar says, and all it can say wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from proxflow.data.readers.sidecar_yaml import sidecar_modality
from proxflow.data.readers.sinogram_array import SinogramArrayScan

Refused = Callable[..., None]
AXES = ("angle", "row", "column")


@pytest.fixture
def npy(tmp_path: Path, ct: SimpleNamespace) -> Callable[..., Path]:
    """Write an attenuation array and its sidecar; ``changes`` replace keys, None leaves one out."""

    def write(array: Any = None, suffix: str = ".yaml", name: str = "scan.npy", **changes: Any) -> Path:
        content = {
            "modality": "ct",
            "axes": list(AXES),
            "quantity": "attenuation",
            "angles_deg": {"start": 0, "stop": 165, "count": 12},
        } | changes
        content = {key: value for key, value in content.items() if value is not None}
        path = tmp_path / name
        np.save(path, ct.attenuation if array is None else array)
        text = json.dumps(content) if suffix == ".json" else yaml.safe_dump(content, allow_unicode=True)
        path.with_suffix(suffix).write_text(text, encoding="utf-8")
        return path

    return write


def test_everything_a_sidecar_says(npy: Callable[..., Path], ct: SimpleNamespace, tmp_path: Path) -> None:
    np.save(tmp_path / "dünkel.npy", ct.dark)
    np.save(tmp_path / "flat.npy", ct.flat[0])  # one frame
    path = npy(
        ct.counts,
        name="préparé µ.npy",
        quantity="counts",
        beam="fan-curved",
        column_size_mm=0.2,
        row_size_mm=0.3,
        source_origin_mm=400,
        source_detector_mm=550.5,
        axis_column=19.25,
        dark="dünkel.npy",
        flat="flat.npy",
        labels=["a", "b", "ç"],
        source={"licence": "CC0"},
    )
    assert sidecar_modality(path) == "ct"
    with SinogramArrayScan(path) as scan:
        info, read = scan.info, scan.read([2, 1])
    np.testing.assert_array_equal(read.samples, ct.counts[:, [2, 1]].transpose(1, 0, 2))
    np.testing.assert_array_equal(read.dark, ct.dark[:, [2, 1]].transpose(1, 0, 2))
    np.testing.assert_array_equal(read.flat, ct.flat[:1, [2, 1]].transpose(1, 0, 2))
    assert (read.labels, read.source, info.has_fields) == (("ç", "b"), {"licence": "CC0"}, True)
    geometry = read.geometry
    assert (geometry.beam, geometry.column_size_mm, geometry.row_size_mm) == ("fan-curved", 0.2, 0.3)
    assert (geometry.source_origin_mm, geometry.source_detector_mm) == (400, 550.5)
    assert geometry.axis_column == 19.25
    assert info.file_bytes == sum(file.stat().st_size for file in tmp_path.iterdir())
    assert [file.name for file in info.companions] == ["préparé µ.yaml", "dünkel.npy", "flat.npy"]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_axes_in_any_order(
    npy: Callable[..., Path], ct: SimpleNamespace, order: tuple[int, ...], suffix: str
) -> None:
    array = ct.attenuation.transpose(order).astype(">f4")
    with SinogramArrayScan(npy(array, suffix, axes=[AXES[i] for i in order])) as scan:
        assert scan.info.shape == (3, 12, 40)
        for rows in (None, [1], [2, 0]):
            samples = scan.read(rows).samples
            wanted = ct.attenuation[:, [0, 1, 2] if rows is None else rows]
            np.testing.assert_array_equal(samples, wanted.transpose(1, 0, 2))
            assert samples.dtype == np.float32


def test_one_slice_and_a_cone(npy: Callable[..., Path], ct: SimpleNamespace) -> None:
    with SinogramArrayScan(npy(ct.attenuation[:, 1].T, axes=["column", "angle"])) as scan:
        np.testing.assert_array_equal(scan.read().samples[0], ct.attenuation[:, 1])
    lengths = {"column_size_mm": 1.0, "source_origin_mm": 300.0, "source_detector_mm": 500.0}
    with SinogramArrayScan(npy(beam="cone", **lengths)) as scan:
        assert scan.info.shape == (1, 3, 12, 40)
        assert scan.info.axes == ("item", "row", "angle", "column")
        np.testing.assert_array_equal(scan.read([0]).samples[0], ct.attenuation.transpose(1, 0, 2))


def test_npz_keys(npy: Callable[..., Path], ct: SimpleNamespace, tmp_path: Path, refused: Refused) -> None:
    side = npy(quantity="counts", samples="proj", dark="d", flat="f")
    path = tmp_path / "scan.npz"
    side.unlink()
    np.savez_compressed(path, proj=ct.counts, d=ct.dark, f=ct.flat)
    with SinogramArrayScan(path) as scan:
        read = scan.read([1])
    np.testing.assert_array_equal(read.samples[0], ct.counts[:, 1])
    np.testing.assert_array_equal(read.flat[0], ct.flat[:, 1])
    np.savez(path, proj=ct.counts, d=ct.dark[:, :2], f=ct.flat)
    refused(SinogramArrayScan, path, r"dark must have shape \(n, 3, 40\), got \(4, 2, 40\)")
    np.savez(path, proj=ct.counts, f=ct.flat)
    refused(SinogramArrayScan, path, "scan.npz must hold the key d, got proj, f")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(SinogramArrayScan, path, "scan.npz must be a complete NumPy file")


def test_angles(npy: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    for angles in (
        {"angles_deg": ct.angles_deg.tolist()},
        {"angles_deg": {"start": 0, "stop": 180, "count": 12, "endpoint": False}},
        {"angles_deg": None, "angles_rad": np.deg2rad(ct.angles_deg).tolist()},
    ):
        with SinogramArrayScan(npy(**angles)) as scan:
            np.testing.assert_allclose(scan.info.acquisition.angles_rad, np.deg2rad(ct.angles_deg), atol=1e-9)
    with SinogramArrayScan(npy(angles_deg={"start": 90, "stop": -75, "count": 12})) as scan:
        assert "Angles descend from 90 to -75 degrees" in scan.info.notes[0]
    degrees = {"start": 0, "stop": 165, "count": 12}
    refused(
        SinogramArrayScan, npy(angles_deg=None, angles_rad=degrees), "angles_rad must span at most one turn"
    )
    refused(
        SinogramArrayScan, npy(angles_rad=degrees), "must be given once, .* got angles_deg and angles_rad"
    )
    refused(SinogramArrayScan, npy(angles_deg=None), "must be given once, .* got none")
    refused(
        SinogramArrayScan,
        npy(angles_deg=degrees | {"count": 3}),
        "got 3, the size of the row axis: .*swapped",
    )
    refused(
        SinogramArrayScan, npy(angles_deg=degrees | {"count": -1}), "count of angles_deg must be an integer"
    )
    refused(SinogramArrayScan, npy(angles_deg=degrees | {"count": 10**12}), "count of angles_deg must be")
    refused(SinogramArrayScan, npy(angles_deg=degrees | {"step": 1}), r"or \{start, stop, count\}")
    refused(
        SinogramArrayScan, npy(angles_deg=[0, "x", *range(10)]), r"angles_deg\[1\] must be a number, got x"
    )
    refused(SinogramArrayScan, npy(angles_deg=[0, float("nan"), *range(10)]), "finite, got 1 .* at angle 1")
    radians = {"start": 0, "stop": float(np.pi), "count": 120}
    many = np.repeat(ct.attenuation, 10, axis=0)
    refused(
        SinogramArrayScan, npy(many, angles_deg=radians), "must be in degrees as stated.*looks like radians"
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"modality": "mri"}, "modality must be ct, got mri"),
        ({"axes": ["angle", "row"]}, "axes must name angle, column and at most row"),
        ({"axes": ["angle", "row", "row", "column"]}, "axes must name angle, column"),
        ({"axes": ["angle", "column"]}, r"samples must have axes \(angle, column\), got shape \(12, 3, 40\)"),
        ({"axes": ["row", "angle", "column"]}, "angles_deg must name 3 angles .* axes look swapped"),
        (
            {"quantity": "absorption"},
            "quantity must be one of counts, transmission, attenuation, got absorption",
        ),
        ({"quantity": "Attenuation"}, "got Attenuation; did you mean attenuation"),
        ({"quantity": "counts"}, "counts must be detector counts, got floats"),
        ({"quantity": "transmission"}, "transmission must be about 1 beside the object, got 0 .*attenuation"),
        ({"beam": "spiral"}, "beam must be one of parallel, fan, fan-curved, cone, got spiral"),
        (
            {"beam": "fan"},
            "a fan beam must state column_size_mm, source_origin_mm, source_detector_mm, got none",
        ),
        (
            {"beam": "cone", "axes": ["angle", "column"]},
            "axes of a cone beam must name angle, row and column",
        ),
        (
            {"source_origin_mm": 3.0},
            "beam must be fan, fan-curved or cone where a source is given, got parallel",
        ),
        ({"column_size_mm": "1 mm"}, "column_size_mm must be a number, got 1 mm"),
        ({"column_size_mm": float("inf")}, "column_size_mm must be positive, got inf"),
        ({"axis_column": 4000}, "axis_column must be near the columns 0 to 39, got 4000"),
        ({"labels": ["a"]}, "labels must be a list naming 3 items"),
        ({"source": 3}, "source must map names to texts, got 3"),
        ({"flat": "absent.npy"}, "flat must name a file in the sidecar's folder, got absent.npy"),
        ({"dark": "/etc/hostname"}, "dark must name a file in the sidecar's folder, got /etc/hostname"),
        ({"dark": "../outside.npy"}, "dark must name a file in the sidecar's folder"),
        ({"dark": "scan.yaml"}, "scan.yaml must be a NumPy .npy or .npz file"),
        ({"angle_deg": [1]}, "key must be one of .*, got angle_deg; did you mean angles_deg"),
    ],
)
def test_wrong_sidecars(
    npy: Callable[..., Path], tmp_path: Path, refused: Refused, changes: dict[str, Any], sentence: str
) -> None:
    np.save(tmp_path.parent / "outside.npy", np.ones((1, 3, 40)))
    refused(SinogramArrayScan, npy(**changes), sentence)


def test_wrong_arrays(
    npy: Callable[..., Path], ct: SimpleNamespace, tmp_path: Path, refused: Refused
) -> None:
    refused(SinogramArrayScan, npy(ct.attenuation[:0]), "samples must not be empty")
    refused(
        SinogramArrayScan, npy(ct.attenuation * 1j), "samples must be real floats or integers, got complex"
    )
    refused(SinogramArrayScan, npy(ct.counts), "attenuation must be line integrals in floats, got uint16")
    refused(SinogramArrayScan, npy(np.zeros((12, 3, 40))), "must hold signal, got only zeros in item 0")
    bad = ct.attenuation.copy()
    bad[3:6, 1, 2] = np.inf
    refused(SinogramArrayScan, npy(bad), "got 3 NaN or Inf samples in item 1, 3 angles from 3 on")
    refused(SinogramArrayScan, npy(np.array([{}], dtype=object)), "must be a complete NumPy file of numbers")
    path = npy()
    content = path.read_bytes()
    for keep in (40, 130, len(content) - 4):
        path.write_bytes(content[:keep])
        refused(SinogramArrayScan, path, "scan.npy must be a complete NumPy file of numbers")
    path.write_bytes(b"something else")
    refused(SinogramArrayScan, path, "must be a NumPy .npy or .npz file")
    path = npy()
    path.with_suffix(".yaml").write_text("axes: [angle\n  : {")
    refused(SinogramArrayScan, path, "scan.yaml must be readable YAML or JSON")
    path.with_suffix(".yaml").unlink()
    refused(SinogramArrayScan, path, "must have a sidecar scan.yaml with 'modality: ct'")
    assert sidecar_modality(path) is None


def test_a_link_out_of_the_folder_is_refused(
    npy: Callable[..., Path], ct: SimpleNamespace, tmp_path: Path, refused: Refused
) -> None:
    outside = tmp_path / "other" / "dark.npy"
    outside.parent.mkdir()
    np.save(outside, ct.dark)
    folder = tmp_path / "scan"
    folder.mkdir()
    (folder / "dark.npy").symlink_to(outside)
    path = npy(ct.counts, name="scan/scan.npy", quantity="counts", dark="dark.npy")
    refused(SinogramArrayScan, path, "dark must name a file in the sidecar's folder, got dark.npy")


def test_only_rows_read_are_touched(npy: Callable[..., Path], ct: SimpleNamespace) -> None:
    bad = ct.attenuation.copy()
    bad[:, 0] = np.nan
    with SinogramArrayScan(npy(bad)) as scan:
        np.testing.assert_array_equal(scan.read([2]).samples[0], ct.attenuation[:, 2])
