"""Our own radar files: exact, lazy, closed to other files; the shipped sample focuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.readers.radar_h5 import RadarH5Scan, is_radar_h5
from proxflow.data.samples.catalogue import FOLDER
from proxflow.data.writers.radar_h5 import write_radar_h5

SPEED_OF_LIGHT = 299792458.0


@pytest.fixture
def cube() -> RadarCube:
    random = np.random.default_rng(2)
    values = random.normal(size=(2, 2, 4, 5)) + 1j * random.normal(size=(2, 2, 4, 5))
    geometry = AntennaGeometry(
        transmitters_m=random.uniform(-0.1, 0.1, (3, 3)),
        receivers_m=random.uniform(-0.1, 0.1, (4, 3)),
        pairs=np.array([[0, 0], [0, 3], [1, 2], [2, 1], [2, 3]]),
        frequencies_hz=np.array([1e9, 2e9, 2.5e9, 4e9]),
        reference_range_m=random.uniform(0.3, 0.4, 5),
    )
    return RadarCube(
        samples=values[0].astype(np.complex64),
        geometry=geometry,
        labels=("first", "second, µ"),
        background=values[1].astype(np.complex64),
        noise=values[0, 0, :, 0].astype(np.complex64),
        source={"licence": "CC0"},
    )


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(ScanError, match=sentence) as caught, RadarH5Scan(path) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_round_trip_is_exact(cube: RadarCube, tmp_path: Path, dtype: type) -> None:
    written = replace(cube, samples=cube.samples.astype(dtype) * dtype(np.pi))
    path = write_radar_h5(tmp_path / "scan.h5", written)
    with h5py.File(path) as file:
        assert is_radar_h5(file)
    with RadarH5Scan(path) as scan:
        assert scan.info.shape == (2, 4, 5)
        assert (scan.info.modality, scan.info.has_fields, scan.info.has_noise) == ("radar", True, True)
        read, second = scan.read(), scan.read([1])
    for name in ("samples", "background", "noise"):
        assert getattr(read, name).dtype == getattr(written, name).dtype
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    for name in ("transmitters_m", "receivers_m", "pairs", "frequencies_hz", "reference_range_m"):
        np.testing.assert_array_equal(getattr(read.geometry, name), getattr(written.geometry, name))
    assert (read.labels, read.source) == (written.labels, written.source)
    np.testing.assert_array_equal(second.samples, written.samples[1:])
    assert second.labels == ("second, µ",)


def test_optional_parts_may_be_absent(cube: RadarCube, tmp_path: Path) -> None:
    plain = replace(
        cube, background=None, noise=None, geometry=replace(cube.geometry, reference_range_m=None)
    )
    with RadarH5Scan(write_radar_h5(tmp_path / "scan.h5", plain)) as scan:
        read = scan.read()
    assert read.background is None
    assert read.noise is None
    assert read.geometry.reference_range_m is None


def test_equal_scans_make_equal_files_with_axes_and_units(cube: RadarCube, tmp_path: Path) -> None:
    first, second = (write_radar_h5(tmp_path / name, cube) for name in ("a.h5", "b.h5"))
    assert first.read_bytes() == second.read_bytes()
    with h5py.File(first) as file:
        datasets: list[h5py.Dataset] = []
        file.visititems(lambda _, node: datasets.append(node) if isinstance(node, h5py.Dataset) else None)
    assert len(datasets) == 9


def test_nothing_unsound_is_written(cube: RadarCube, tmp_path: Path) -> None:
    geometry = cube.geometry
    cases = [
        (replace(cube, samples=cube.samples * np.complex64(np.nan)), "samples must be finite, got 20 NaN"),
        (replace(cube, samples=cube.samples * 0), "must hold signal"),
        (replace(cube, samples=cube.samples.swapaxes(1, 2)), r"frequency and pair swapped\?"),
        (replace(cube, samples=np.abs(cube.samples)), "magnitude only"),
        (replace(cube, background=cube.background[:1]), "background must have the samples' shape"),
        (replace(cube, background=cube.samples), "background must differ from the samples"),
        (replace(cube, noise=cube.noise[None]), "noise must be finite with shape"),
        (replace(cube, labels=("one",)), "labels must name 2 items, got 1"),
        (replace(cube, geometry=replace(geometry, frequencies_hz=geometry.frequencies_hz / 1e6)), "MHz"),
        (replace(cube, geometry=replace(geometry, pairs=geometry.pairs + 1)), "one of 3 transmitters"),
        (
            replace(cube, geometry=replace(geometry, reference_range_m=np.full(5, np.inf))),
            "reference ranges must be positive, got inf for pair 0",
        ),
    ]
    for bad, sentence in cases:
        with pytest.raises(ScanError, match=sentence):
            write_radar_h5(tmp_path / "scan.h5", bad)
    assert not list(tmp_path.iterdir())


def test_bad_files(cube: RadarCube, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    units = cube.geometry.frequencies_hz / 1e9
    cases = [
        ("acquisition/frequencies", units, "must be in Hz, .* GHz"),
        ("acquisition/frequencies", np.array(["a"], dtype="S1"), "must be real numbers, got"),
        ("acquisition/pairs", np.ones((5, 2)), "acquisition/pairs must be whole numbers, got float64"),
        ("acquisition/transmitters", np.ones((3, 2)), r"must have axes \(antenna, xyz\)"),
        ("samples", cube.samples.real, "magnitude only"),
        ("samples", cube.samples[:, :3], "with 4 frequencies and 5 pairs, got shape"),
        ("background", cube.background[:1], r"background must have shape \(2, 4, 5\), got \(1, 4, 5\)"),
        ("labels", np.array(["one"], dtype=h5py.string_dtype()), "labels must name 2 items, got 1"),
    ]
    for name, value, sentence in cases:
        with h5py.File(write_radar_h5(path, cube), "r+") as file:
            del file[name]
            file[name] = value
        refused(path, sentence)
    for name in ("samples", "labels", "acquisition/pairs"):
        with h5py.File(write_radar_h5(path, cube), "r+") as file:
            del file[name]
        refused(path, f"must hold the dataset {name}")


def test_links_versions_and_other_modalities(cube: RadarCube, tmp_path: Path) -> None:
    secret, path = write_radar_h5(tmp_path / "other.h5", cube), tmp_path / "scan.h5"
    for name in ("background", "acquisition/pairs"):
        with h5py.File(write_radar_h5(path, cube), "r+") as file:
            del file[name]
            file[name] = h5py.ExternalLink(str(secret), "/" + name)
        refused(path, f"{name} must be stored in the file itself, got .*link")
    for key, value, sentence in (
        ("format_version", 2, "format_version must be at most 1, got 2"),
        ("modality", "ct", "modality must be radar, got ct"),
        ("proxflow_format", "image", "must be a Proxflow measurement"),
    ):
        with h5py.File(write_radar_h5(path, cube), "r+") as file:
            file.attrs[key] = value
        refused(path, sentence)


def test_damage_is_found_in_the_item_it_lies_in(cube: RadarCube, tmp_path: Path) -> None:
    path = write_radar_h5(tmp_path / "scan.h5", cube)
    with h5py.File(path) as file:
        chunk = file["samples"].id.get_chunk_info(1)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset + 9)
        raw.write(b"\xff" * 8)
    with RadarH5Scan(path) as scan:
        np.testing.assert_array_equal(scan.read([0]).samples, cube.samples[:1])
        with pytest.raises(ScanError, match="samples must be readable, got damaged data"):
            scan.read([1])
    content = path.read_bytes()
    for keep in (9, 600, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:keep])
        refused(path, "must be a (complete|readable) HDF5 file")


def test_the_shipped_breast_phantom_focuses_on_its_tumour() -> None:
    with RadarH5Scan(FOLDER / "merit-breast-P3.h5") as scan:
        assert scan.info.source["licence"] == "Apache-2.0"
        cube = scan.read()
    assert cube.background is not None
    geometry = cube.geometry
    line = np.arange(-0.05, 0.0501, 0.005)
    points = np.stack(np.meshgrid(line, line, np.arange(0.005, 0.05, 0.005), indexing="ij"), -1)
    points = points.reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) < 0.06]
    distance = np.linalg.norm(points[:, None] - geometry.transmitters_m, axis=2)
    delay = distance[:, geometry.pairs[:, 0]] + distance[:, geometry.pairs[:, 1]]
    difference = (cube.samples - cube.background)[0]
    image = np.zeros(len(points), complex)
    for frequency, values in zip(geometry.frequencies_hz[::3], difference[::3], strict=True):
        k = 2 * np.pi * frequency * np.sqrt(8) / SPEED_OF_LIGHT  # in tissue of relative permittivity 8
        image += np.exp(1j * k * delay) @ values
    brightest = points[np.abs(image).argmax()]
    assert np.linalg.norm(brightest - [0.0175, 0, 0.0228]) < 0.01
