"""Series of MRI frames in our own form: exact, lazy, refused where unsound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.open_scan import open_scan
from proxflow.data.readers.dynamic_kspace_h5 import DynamicH5Scan, is_dynamic_h5
from proxflow.data.samples.catalogue import FOLDER
from proxflow.data.writers.dynamic_kspace_h5 import write_dynamic_kspace_h5
from proxflow.data.writers.kspace_h5 import write_kspace_h5

FIELDS = ("samples", "trajectory", "mask", "coil_maps", "noise", "reference")


def complex_noise(*shape: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.normal(size=shape) + 1j * random.normal(size=shape)).astype(np.complex64)


@pytest.fixture
def spokes() -> DynamicKSpace:
    random = np.random.default_rng(2)
    trajectory = random.uniform(-1, 1, size=(4, 5, 16, 2)) * [10, 15]
    trajectory[0, 0, 0] = (10, -15)
    mask = np.ones((4, 5), bool)
    mask[2] = False
    return DynamicKSpace(
        samples=complex_noise(2, 4, 3, 5, 16),
        geometry=Geometry((20, 30), (5.0, 80.0, 60.0), slices=(4, 5)),
        labels=("slice 4", "slice 5, µ"),
        trajectory=trajectory.astype(np.float32),
        mask=mask,
        frame_labels=("0 s", "1 s", "2 s", "3 s"),
        coil_maps=complex_noise(2, 3, 20, 30, seed=1),
        noise=complex_noise(3, 50, seed=3),
        reference=random.normal(size=(2, 4, 20, 30)).astype(np.float32),
        source={"licence": "CC0"},
    )


@pytest.fixture
def grid() -> DynamicKSpace:
    samples = complex_noise(1, 4, 3, 12, 10)
    return DynamicKSpace(samples, Geometry((12, 10), slices=(0,)), ("one",), mask=np.ones((4, 12, 10), bool))


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_round_trip_is_exact(spokes: DynamicKSpace, tmp_path: Path, dtype: type) -> None:
    written = replace(spokes, samples=spokes.samples.astype(dtype) * dtype(np.pi))
    path = write_dynamic_kspace_h5(tmp_path / "scan.h5", written)
    with h5py.File(path) as file:
        assert is_dynamic_h5(file)
    with DynamicH5Scan(path) as scan:
        assert scan.info.axes == ("item", "frame", "coil", "spoke", "readout")
        assert scan.info.shape == (2, 4, 3, 5, 16)
        assert (scan.info.has_trajectory, scan.info.has_maps, scan.info.has_noise) == (True, True, True)
        read, second = scan.read(), scan.read([1])
    for name in FIELDS:
        assert getattr(read, name).dtype == getattr(written, name).dtype
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert (read.geometry, read.labels, read.source) == (written.geometry, written.labels, written.source)
    assert read.frame_labels == written.frame_labels
    np.testing.assert_array_equal(second.samples, written.samples[1:])
    np.testing.assert_array_equal(second.coil_maps, written.coil_maps[1:])


def test_a_grid_needs_nothing_but_its_samples(grid: DynamicKSpace, tmp_path: Path) -> None:
    path = write_dynamic_kspace_h5(tmp_path / "scan.h5", replace(grid, mask=None))
    with DynamicH5Scan(path) as scan:
        assert scan.info.axes == ("item", "frame", "coil", "ky", "kx")
        read = scan.read()
    assert read.mask is None and read.views.all() and read.views.shape == (4, 12, 10)


def test_equal_scans_make_equal_files(spokes: DynamicKSpace, tmp_path: Path) -> None:
    first, second = (write_dynamic_kspace_h5(tmp_path / name, spokes) for name in ("a.h5", "b.h5"))
    assert first.read_bytes() == second.read_bytes()


def test_nothing_unsound_is_written(spokes: DynamicKSpace, grid: DynamicKSpace, tmp_path: Path) -> None:
    hole = spokes.samples.copy()
    hole[1, 3, 2, 4, 5] = np.nan
    empty = spokes.samples.copy()
    empty[0, 1] = 0
    assert spokes.trajectory is not None and spokes.noise is not None and spokes.coil_maps is not None
    cases = [
        (replace(spokes, samples=hole), "got 1 NaN or Inf samples in item 1, frame 3, the first in coil 2"),
        (replace(spokes, samples=empty), "must hold signal, got only zeros in item 0, frame 1"),
        (replace(spokes, samples=np.abs(spokes.samples)), "kspace must be complex64"),
        (replace(spokes, samples=spokes.samples.real + 0j), "kspace must be complex, got only real values"),
        (replace(spokes, samples=spokes.samples[0]), r"frame or item axis missing\?"),
        (replace(spokes, samples=spokes.samples.swapaxes(3, 4)), r"\(axes swapped\?\)"),
        (replace(spokes, trajectory=spokes.trajectory[0]), r"\(the frame axis is missing\?\)"),
        (replace(spokes, trajectory=spokes.trajectory * 2), "twice the field of view"),
        (replace(spokes, trajectory=spokes.trajectory / 30), "which looks like cycles/sample"),
        (replace(spokes, trajectory=spokes.trajectory.astype(int)), "trajectory must be float32"),
        (
            replace(spokes, mask=np.ones((4, 6), bool)),
            r"mask must have axes \(frame, spoke\)",
        ),
        (replace(spokes, mask=np.ones((4, 5))), "mask must be bool, got float64"),
        (replace(spokes, mask=np.zeros((4, 5), bool)), "mask must sample something"),
        (replace(spokes, frame_labels=("one",)), "frame_labels must name 4 frames, got 1"),
        (replace(spokes, labels=("one",)), "labels must name 2 items, got 1"),
        (replace(spokes, noise=spokes.noise[:2]), r"noise must have shape \(3, n\), got \(2, 50\)"),
        (
            replace(spokes, coil_maps=spokes.coil_maps[:, :2]),
            r"coil_maps must have shape \(2 or 1, 3",
        ),
        (replace(spokes, coil_maps=spokes.coil_maps * np.inf), "coil_maps must be finite"),
        (replace(spokes, reference=np.ones((4, 20, 30))), r"reference must have axes \(item, frame, y, x\)"),
        (replace(grid, mask=np.ones((4, 10, 12), bool)), r"mask must have axes \(frame, ky, kx\)"),
        (replace(grid, coil_maps=complex_noise(1, 3, 6, 5)), r"coil_maps must have shape \(1, 3, 12, 10\)"),
    ]
    for bad, sentence in cases:
        with pytest.raises(ScanError, match=sentence) as caught:
            write_dynamic_kspace_h5(tmp_path / "scan.h5", bad)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_links_versions_and_other_modalities(spokes: DynamicKSpace, tmp_path: Path) -> None:
    secret, path = write_dynamic_kspace_h5(tmp_path / "other.h5", spokes), tmp_path / "scan.h5"

    def refused(change: Callable[[h5py.File], None], sentence: str) -> None:
        with h5py.File(write_dynamic_kspace_h5(path, spokes), "r+") as file:
            change(file)
        with pytest.raises(ScanError, match=sentence), DynamicH5Scan(path) as scan:
            scan.read()

    for name in ("trajectory", "mask", "coil_maps", "frame_labels"):

        def linked(file: h5py.File, name: str = name) -> None:
            del file[name]
            file[name] = h5py.ExternalLink(str(secret), "/" + name)

        refused(linked, f"{name} must be stored in the file itself, got .*link")
    for name in ("kspace", "labels", "geometry/matrix"):
        refused(lambda file, name=name: file.__delitem__(name), f"must hold the dataset {name}")
    refused(lambda file: file.attrs.modify("format_version", 2), "format_version must be at most 1, got 2")
    refused(lambda file: file.attrs.modify("modality", "mri-radial"), "modality must be mri-dynamic")


def test_items_of_a_cartesian_scan_become_frames(tmp_path: Path) -> None:
    mask = np.random.default_rng(4).random((3, 12, 10)) < 0.5
    samples = complex_noise(3, 2, 12, 10) * mask[:, None]
    scan = KSpace(samples, mask, Geometry((12, 10), slices=(7, 7, 7)), ("1 deg", "5 deg", "11 deg"))
    path = write_kspace_h5(tmp_path / "scan.h5", scan)
    with open_scan(path, kind="mri-dynamic") as opened:
        assert (opened.info.modality, opened.info.shape) == ("mri-dynamic", (1, 3, 2, 12, 10))
        assert opened.info.axes == ("item", "frame", "coil", "ky", "kx")
        series = opened.read()
    assert isinstance(series, DynamicKSpace)
    np.testing.assert_array_equal(series.samples[0], samples)
    np.testing.assert_array_equal(series.views, mask)
    assert series.frame_labels == ("1 deg", "5 deg", "11 deg") and series.geometry.slices == (7,)
    with open_scan(path) as opened:
        assert opened.info.modality == "mri-cartesian"


def test_spokes_of_a_radial_scan_become_one_frame(radial_scan: Callable[..., Path]) -> None:
    with open_scan(radial_scan(), kind="mri-dynamic") as opened, open_scan(opened.info.path) as plain:
        series, single = opened.read(), plain.read()
    assert isinstance(series, DynamicKSpace) and series.trajectory is not None
    np.testing.assert_array_equal(series.samples[:, 0], single.samples)
    np.testing.assert_array_equal(series.trajectory[0], single.trajectory)  # type: ignore[union-attr]


def test_the_shipped_flip_angles_are_four_frames_of_a_head() -> None:
    with DynamicH5Scan(FOLDER / "brain-vfa.h5") as scan:
        assert scan.info.shape == (1, 4, 5, 224, 224)
        assert scan.info.frame_labels[2] == "flip angle 11 deg"
        assert scan.info.source["licence"] == "Apache-2.0"
        samples = scan.read().samples[0]
    shifted = np.fft.ifft2(np.fft.ifftshift(samples, axes=(2, 3)))
    images = np.sqrt((np.abs(np.fft.fftshift(shifted, axes=(2, 3))) ** 2).sum(1))
    for image in images:
        head = image > 0.2 * np.percentile(image, 99)
        assert 0.3 < head.mean() < 0.6 and not head[:3, :3].any()
    inside = images[:, 100:124, 100:124].mean(axis=(1, 2))
    assert (
        inside.argmax() in (1, 2) and inside.min() < 0.7 * inside.max()
    )  # the signal changes with the angle
