"""Our own non-Cartesian files: exact, lazy, closed to other files; the shipped sample is a brain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.readers.radial_h5 import RadialH5Scan, is_radial_h5
from proxflow.data.samples.catalogue import FOLDER
from proxflow.data.writers.radial_h5 import write_radial_h5


@pytest.fixture
def kspace() -> RadialKSpace:
    random = np.random.default_rng(2)
    samples = (random.normal(size=(2, 3, 5, 16)) + 1j * random.normal(size=(2, 3, 5, 16))).astype(
        np.complex64
    )
    affine = ((-1.5, 0.0, 0.1, 30.0), (0.0, -2.0, 0.0, 48.0), (0.0, 0.0, 5.0, -7.0), (0.0, 0.0, 0.0, 1.0))
    trajectory = random.uniform(-1, 1, size=(5, 16, 2)) * [10, 15]
    trajectory[0, 0] = (10, -15)
    return RadialKSpace(
        samples=samples,
        trajectory=trajectory.astype(np.float32),
        geometry=Geometry((20, 30), (5.0, 80.0, 60.0), affine, slices=(4, 5)),
        labels=("slice 4", "slice 5, µ"),
        noise=samples[0, :, 0],
        reference=random.normal(size=(2, 20, 30)).astype(np.float32),
        source={"licence": "CC0"},
    )


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(ScanError, match=sentence) as caught, RadialH5Scan(path) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_round_trip_is_exact(kspace: RadialKSpace, tmp_path: Path, dtype: type) -> None:
    real = np.float32 if dtype is np.complex64 else np.float64
    written = replace(
        kspace, samples=kspace.samples.astype(dtype) * dtype(np.pi), trajectory=kspace.trajectory.astype(real)
    )
    path = write_radial_h5(tmp_path / "scan.h5", written)
    with h5py.File(path) as file:
        assert is_radial_h5(file)
    with RadialH5Scan(path) as scan:
        assert scan.info.shape == (2, 3, 5, 16)
        assert (scan.info.modality, scan.info.has_noise, scan.info.has_reference) == (
            "mri-radial",
            True,
            True,
        )
        read, second = scan.read(), scan.read([1])
    for name in ("samples", "trajectory", "noise", "reference"):
        assert getattr(read, name).dtype == getattr(written, name).dtype
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert (read.geometry, read.labels, read.source) == (written.geometry, written.labels, written.source)
    np.testing.assert_array_equal(second.samples, written.samples[1:])
    assert (second.geometry.slices, second.labels) == ((5,), ("slice 5, µ",))


def test_equal_scans_make_equal_files(kspace: RadialKSpace, tmp_path: Path) -> None:
    first, second = (write_radial_h5(tmp_path / name, kspace) for name in ("a.h5", "b.h5"))
    assert first.read_bytes() == second.read_bytes()


def test_nothing_unsound_is_written(kspace: RadialKSpace, tmp_path: Path) -> None:
    cases = [
        (
            replace(kspace, samples=kspace.samples * np.complex64(np.nan)),
            "got 240 NaN or Inf samples in item 0",
        ),
        (replace(kspace, samples=kspace.samples * 0), "must hold signal"),
        (replace(kspace, samples=kspace.samples.swapaxes(2, 3)), r"\(axes swapped\?\)"),
        (replace(kspace, samples=np.abs(kspace.samples)), "kspace must be complex64"),
        (replace(kspace, trajectory=kspace.trajectory * 2), "twice the field of view"),
        (replace(kspace, trajectory=kspace.trajectory / 30), "which looks like cycles/sample"),
        (replace(kspace, trajectory=kspace.trajectory.astype(int)), "trajectory must be float32"),
        (replace(kspace, noise=kspace.noise[:2]), r"noise must have shape \(3, n\), got \(2, 16\)"),
        (replace(kspace, noise=kspace.noise * np.inf), "noise must be finite"),
        (replace(kspace, labels=("one",)), "labels must name 2 items, got 1"),
        (replace(kspace, geometry=Geometry((20, 30), slices=(0,))), "slices must name 2 items, got 1"),
    ]
    for bad, sentence in cases:
        with pytest.raises(ScanError, match=sentence):
            write_radial_h5(tmp_path / "scan.h5", bad)
    assert not list(tmp_path.iterdir())


def test_bad_files(kspace: RadialKSpace, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    cases = [
        ("kspace", kspace.samples.real, "kspace must be complex64"),
        ("kspace", kspace.samples[..., :4], r"of shape \(5, 4, 2\) as the samples, got \(5, 16, 2\)"),
        ("trajectory", kspace.trajectory[..., :1], r"got \(5, 16, 1\)"),
        ("trajectory", kspace.trajectory * 100, "cycles or radians per metre"),
        ("trajectory", kspace.trajectory * np.nan, "trajectory must be finite, got 160 NaN"),
        ("geometry/matrix", np.array([20, 30, 1]), r"geometry/matrix must have shape \(2,\)"),
        ("geometry/matrix", np.array([10**9, 30]), "geometry/matrix must be within"),
        ("noise", kspace.noise[:1], r"noise must have shape \(3, n\), got \(1, 16\)"),
        ("reference", kspace.reference[:1], r"reference must have shape \(2, y, x\)"),
        ("labels", np.array(["one"], dtype=h5py.string_dtype()), "labels must name 2 items, got 1"),
    ]
    for name, value, sentence in cases:
        with h5py.File(write_radial_h5(path, kspace), "r+") as file:
            del file[name]
            file[name] = value
        refused(path, sentence)
    for name in ("kspace", "trajectory", "labels", "geometry/matrix"):
        with h5py.File(write_radial_h5(path, kspace), "r+") as file:
            del file[name]
        refused(path, f"must hold the dataset {name}")


def test_links_versions_and_other_modalities(kspace: RadialKSpace, tmp_path: Path) -> None:
    secret, path = write_radial_h5(tmp_path / "other.h5", kspace), tmp_path / "scan.h5"
    for name in ("trajectory", "geometry/matrix"):
        with h5py.File(write_radial_h5(path, kspace), "r+") as file:
            del file[name]
            file[name] = h5py.ExternalLink(str(secret), "/" + name)
        refused(path, f"{name} must be stored in the file itself, got .*link")
    for key, value, sentence in (
        ("format_version", 2, "format_version must be at most 1, got 2"),
        ("modality", "mri-cartesian", "modality must be mri-radial, got mri-cartesian"),
    ):
        with h5py.File(write_radial_h5(path, kspace), "r+") as file:
            file.attrs[key] = value
        refused(path, sentence)


def test_truncated_files(kspace: RadialKSpace, tmp_path: Path) -> None:
    path = write_radial_h5(tmp_path / "scan.h5", kspace)
    content = path.read_bytes()
    for keep in (9, 600, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:keep])
        refused(path, "must be a (complete|readable) HDF5 file")


def test_the_shipped_brain_lies_upright_in_its_image() -> None:
    """Gridded by nearest neighbour on a coarse grid: a head in the middle, air around it."""
    with RadialH5Scan(FOLDER / "brain-radial.h5") as scan:
        assert scan.info.shape == (1, 12, 64, 512)
        assert scan.info.source["licence"] == "MIT"
        read = scan.read()
    n = 64  # the central quarter of k-space: an image of a quarter the resolution
    trajectory, samples = read.trajectory, read.samples[0]
    inside = (np.abs(trajectory) < n / 2 - 1).all(axis=-1)
    weight = np.linalg.norm(trajectory[inside], axis=-1) + 0.125  # density of spokes falls with radius
    row, column = (np.rint(trajectory[inside]).astype(int) + n // 2).T
    grid = np.zeros((len(samples), n, n), np.complex64)
    for coil, values in zip(grid, samples[:, inside] * weight, strict=True):
        np.add.at(coil, (row, column), values)
    shifted = np.fft.ifft2(np.fft.ifftshift(grid, axes=(1, 2)))
    image = np.sqrt((np.abs(np.fft.fftshift(shifted, axes=(1, 2))) ** 2).sum(0))
    head = image > 0.25 * np.percentile(image, 98)
    rows, columns = head.any(axis=1).nonzero()[0], head.any(axis=0).nonzero()[0]
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert 1.15 < height / width < 1.5  # longer from front to back, which runs down the image
    assert head[n // 2 - 12 : n // 2 + 12, n // 2 - 8 : n // 2 + 8].mean() > 0.95
    assert not head[:4].any()
    assert not head[:, :6].any()
