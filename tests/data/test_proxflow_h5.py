"""Our own measurement form: exact, lazy, atomic, closed to other files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.kspace import KSpace
from proxflow.data.open_scan import open_scan
from proxflow.data.writers.kspace_h5 import write_kspace_h5


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_round_trip_is_exact(measurement: KSpace, tmp_path: Path, dtype: type) -> None:
    written = replace(measurement, samples=measurement.samples.astype(dtype) * dtype(np.pi))
    with open_scan(write_kspace_h5(tmp_path / "scan.h5", written)) as scan:
        assert scan.info.shape == written.samples.shape
        assert (scan.info.has_mask, scan.info.has_noise, scan.info.has_reference) == (True, True, True)
        read = scan.read()
    for name in ("samples", "mask", "noise", "reference"):
        ours, theirs = getattr(read, name), getattr(written, name)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    assert (read.geometry, read.labels, read.source) == (written.geometry, written.labels, written.source)


def test_equal_scans_make_equal_files(measurement: KSpace, tmp_path: Path) -> None:
    first, second = (write_kspace_h5(tmp_path / name, measurement) for name in ("a.h5", "b.h5"))
    assert first.read_bytes() == second.read_bytes()


def test_every_dataset_names_axes_and_units(measurement: KSpace, tmp_path: Path) -> None:
    with h5py.File(write_kspace_h5(tmp_path / "scan.h5", measurement)) as file:
        assert file.attrs["proxflow_format"] == "measurement"
        assert file.attrs["format_version"] == 1
        datasets: list[h5py.Dataset] = []
        file.visititems(lambda _, node: datasets.append(node) if isinstance(node, h5py.Dataset) else None)
        assert len(datasets) == 9
        assert all({"axes", "units"} <= set(dataset.attrs) for dataset in datasets)


def test_items_are_chosen_in_order(measurement: KSpace, tmp_path: Path) -> None:
    with open_scan(write_kspace_h5(tmp_path / "scan.h5", measurement)) as scan:
        read = scan.read([1, 0])
    np.testing.assert_array_equal(read.samples, measurement.samples[::-1])
    np.testing.assert_array_equal(read.mask, measurement.mask[::-1])
    assert read.geometry.slices == (5, 4)
    assert read.labels == measurement.labels[::-1]


def test_one_item_is_read_without_its_neighbours(measurement: KSpace, tmp_path: Path) -> None:
    path = write_kspace_h5(tmp_path / "scan.h5", measurement)
    with h5py.File(path) as file:
        chunk = file["kspace"].id.get_chunk_info(1)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset + 100)
        file.write(b"\xff" * 8)
    with open_scan(path) as scan:
        np.testing.assert_array_equal(scan.read([0]).samples, measurement.samples[:1])
        with pytest.raises(ScanError, match=r"scan\.h5: kspace must be readable, got damaged data"):
            scan.read([1])


def test_a_failed_write_leaves_the_old_file(measurement: KSpace, tmp_path: Path) -> None:
    path = write_kspace_h5(tmp_path / "scan.h5", measurement)
    before = path.read_bytes()
    bad = replace(measurement, samples=measurement.samples * np.complex64(np.nan))
    with pytest.raises(ScanError, match="must be finite"):
        write_kspace_h5(path, bad)
    with pytest.raises(TypeError):
        write_kspace_h5(path, replace(measurement, source={"licence": object()}))  # fails half-way
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_links_and_foreign_storage_are_refused(measurement: KSpace, tmp_path: Path) -> None:
    secret = write_kspace_h5(tmp_path / "other.h5", measurement)
    for link in (h5py.ExternalLink(str(secret), "/kspace"), h5py.SoftLink("/mask")):
        path = write_kspace_h5(tmp_path / "scan.h5", measurement)
        with h5py.File(path, "r+") as file:
            del file["kspace"]
            file["kspace"] = link
        with pytest.raises(ScanError, match=r"kspace must be stored in the file itself, got an? .*link"):
            open_scan(path)
    path = write_kspace_h5(tmp_path / "scan.h5", measurement)
    with h5py.File(path, "r+") as file:
        del file["noise"]
        file.create_dataset("noise", (4, 8), "c8", external=[(str(secret), 0, 256)])
    with pytest.raises(
        ScanError, match="noise must be stored in the file itself, got storage in other files"
    ):
        open_scan(path)


@pytest.mark.parametrize(
    ("attribute", "value", "sentence"),
    [
        ("format_version", 2, "format_version must be at most 1, got 2"),
        ("modality", "mri-cartesan", "modality must be one of mri-cartesian, .*, got mri-cartesan"),
        ("format_version", "1", "format_version must be at most 1, got 1"),
    ],
)
def test_unknown_kinds_are_refused(
    measurement: KSpace, tmp_path: Path, attribute: str, value: object, sentence: str
) -> None:
    path = write_kspace_h5(tmp_path / "scan.h5", measurement)
    with h5py.File(path, "r+") as file:
        file.attrs[attribute] = value
    with pytest.raises(ScanError, match=sentence):
        open_scan(path)
