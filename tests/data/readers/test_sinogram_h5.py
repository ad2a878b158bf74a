"""Our own CT form: exact, lazy, atomic, closed to other files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.readers.sinogram_h5 import SinogramH5Scan, is_sinogram_h5
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.writers.sinogram_h5 import write_sinogram_h5

Refused = Callable[..., None]


@pytest.fixture
def scan(ct: SimpleNamespace) -> Sinogram:
    """Everything a CT measurement may carry."""
    random = np.random.default_rng(1)
    return Sinogram(
        samples=ct.counts.transpose(1, 0, 2),
        quantity="counts",
        geometry=ScanGeometry("fan", np.deg2rad(ct.angles_deg), 0.2, 0.25, 400.0, 553.74, axis_column=19.1),
        labels=("row 0", "row 1", "rangée 2"),
        dark=ct.dark.transpose(1, 0, 2),
        flat=ct.flat.transpose(1, 0, 2),
        reference=random.random((3, 9, 8)).astype(np.float32),
        labels_image=random.integers(0, 3, (3, 9, 8)).astype(np.uint8),
        image_pixel_mm=0.1483,
        source={"licence": "CC BY 4.0", "changes": "µ"},
    )


def assert_equal(read: Sinogram, written: Sinogram) -> None:
    for name in ("samples", "dark", "flat", "reference", "labels_image"):
        ours, theirs = getattr(read, name), getattr(written, name)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
    for name in (
        "beam",
        "column_size_mm",
        "row_size_mm",
        "source_origin_mm",
        "source_detector_mm",
        "axis_column",
    ):
        assert getattr(read.geometry, name) == getattr(written.geometry, name)
    np.testing.assert_array_equal(read.geometry.angles_rad, written.geometry.angles_rad)
    for name in ("quantity", "labels", "image_pixel_mm", "source"):
        assert getattr(read, name) == getattr(written, name)


def test_round_trip_is_exact(scan: Sinogram, ct: SimpleNamespace, tmp_path: Path) -> None:
    bare = Sinogram(
        ct.attenuation.transpose(1, 0, 2).astype(float) * np.pi,
        "attenuation",
        ScanGeometry("parallel", np.deg2rad(ct.angles_deg)),
        ("a", "b", "c"),
    )
    cone = replace(
        scan,
        samples=scan.samples[None],
        dark=scan.dark[None],  # type: ignore[index]
        flat=scan.flat[None],  # type: ignore[index]
        geometry=replace(scan.geometry, beam="cone"),
        labels=("scan",),
        reference=None,
        labels_image=None,
    )
    for one in (scan, bare, cone):
        path = write_sinogram_h5(tmp_path / "scan.h5", one)
        with h5py.File(path) as file:
            assert is_sinogram_h5(file)
        with SinogramH5Scan(path) as opened:
            assert opened.info.shape == one.samples.shape
            assert opened.info.quantity == one.quantity
            assert_equal(opened.read(), one)


def test_equal_scans_make_equal_files(scan: Sinogram, tmp_path: Path) -> None:
    first, second = (write_sinogram_h5(tmp_path / name, scan) for name in ("a.h5", "b.h5"))
    assert first.read_bytes() == second.read_bytes()
    with h5py.File(first) as file:
        nodes: list[h5py.Dataset] = []
        file.visititems(lambda _, node: nodes.append(node) if isinstance(node, h5py.Dataset) else None)
        assert len(nodes) == 13
        assert all({"axes", "units"} <= set(node.attrs) for node in nodes)
        assert file["samples"].chunks == (1, 12, 40)


def test_one_item_is_read_without_its_neighbours(scan: Sinogram, tmp_path: Path, refused: Refused) -> None:
    path = write_sinogram_h5(tmp_path / "scan.h5", scan)
    with h5py.File(path) as file:
        chunk = file["samples"].id.get_chunk_info(1)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset + 100)
        raw.write(b"\xff" * 8)
    with SinogramH5Scan(path) as opened:
        read = opened.read([2, 0])
    np.testing.assert_array_equal(read.samples, scan.samples[[2, 0]])
    assert read.labels == ("rangée 2", "row 0")
    refused(SinogramH5Scan, path, "samples must be readable, got damaged data")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"samples": np.full((3, 12, 40), np.nan, np.float32)},
            "counts must be finite, got 480 .* item 0, 12 angles",
        ),
        (
            {"samples": np.ones((3, 12, 39), np.uint16)},
            r"dark must have shape \(3, n, 40\)|dark must have shape",
        ),
        ({"samples": np.ones((3, 12), np.uint16)}, r"samples must have axes \(item, angle, column\)"),
        ({"quantity": "attenuation"}, "attenuation must be line integrals in floats"),
        ({"labels": ("a",)}, "labels must name 3 items, got 1"),
        ({"reference": np.ones((2, 9, 8))}, r"reference must have shape \(3, y, x\), got \(2, 9, 8\)"),
        ({"geometry": ScanGeometry("parallel", np.arange(12) * 15.0)}, "which looks like degrees"),
        (
            {"geometry": ScanGeometry("parallel", np.arange(3) * 0.5)},
            "must name 12 angles .* axes look swapped",
        ),
        ({"geometry": ScanGeometry("fan", np.arange(12) * 0.5)}, "a fan beam must state column_size_mm"),
        ({"geometry": ScanGeometry("fan", np.arange(12) * 0.5, 0.2, None, 9.0, 8.0)}, "must be less than"),
    ],
)
def test_what_makes_no_sense_is_not_written(
    scan: Sinogram, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    path = write_sinogram_h5(tmp_path / "scan.h5", scan)
    before = path.read_bytes()
    with pytest.raises(ScanError, match=sentence):
        write_sinogram_h5(path, replace(scan, **changes))
    with pytest.raises(TypeError):
        write_sinogram_h5(path, replace(scan, source={"licence": object()}))  # fails half-way
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["samples", "labels", "flat", "geometry", "labels_image"])
def test_links_are_refused(scan: Sinogram, tmp_path: Path, refused: Refused, name: str) -> None:
    other = write_sinogram_h5(tmp_path / "other.h5", scan)
    for link in (h5py.ExternalLink(str(other), f"/{name}"), h5py.SoftLink("/dark")):
        path = write_sinogram_h5(tmp_path / "scan.h5", scan)
        with h5py.File(path, "r+") as file:
            del file[name]
            file[name] = link
        refused(SinogramH5Scan, path, f"{name} must be stored in the file itself, got an? .*link")


def test_damaged_structure(scan: Sinogram, tmp_path: Path, refused: Refused) -> None:
    changes: list[tuple[Callable[[h5py.File], Any], str]] = [
        (lambda f: f.attrs.update(format_version=2), "format_version must be at most 1, got 2"),
        (lambda f: f.attrs.update(modality="mri-cartesian"), "modality must be ct, got mri-cartesian"),
        (lambda f: f.attrs.update(quantity="photons"), "quantity must be one of .* got photons"),
        (lambda f: f.attrs.__delitem__("beam"), "beam must be one of .* got None"),
        (lambda f: f.__delitem__("samples"), "must hold the dataset samples"),
        (lambda f: f.__delitem__("geometry/angles"), "geometry/angles must be stored .* got nothing"),
        (lambda f: f["geometry/angles"].__setitem__(slice(None), np.arange(12) * 15.0), "looks like degrees"),
        (lambda f: f["geometry/angles"].__setitem__(3, np.inf), "must be finite, got 1 .* at angle 3"),
        (
            lambda f: f["geometry/source_origin"].__setitem__((), -1.0),
            "geometry/source_origin must be positive, got -1 mm",
        ),
        (lambda f: f["dark"].__setitem__(slice(None), 60000), "flat must be brighter than dark"),
    ]
    for change, sentence in changes:
        path = write_sinogram_h5(tmp_path / "scan.h5", scan)
        with h5py.File(path, "r+") as file:
            change(file)
        refused(SinogramH5Scan, path, sentence)
    content = write_sinogram_h5(tmp_path / "scan.h5", scan).read_bytes()
    for keep in (9, 600, len(content) // 2, len(content) - 1):
        (tmp_path / "scan.h5").write_bytes(content[:keep])
        refused(SinogramH5Scan, tmp_path / "scan.h5", "must be a (complete|readable) HDF5 file")
