"""Every way a scan can be wrong ends in one ScanError sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.kspace import KSpace
from proxflow.data.open_scan import open_scan
from proxflow.data.samples.catalogue import SAMPLES, sample_path
from proxflow.data.writers.kspace_h5 import write_kspace_h5


def refused(path: str | Path, sentence: str, *, reader: str = "auto") -> None:
    with pytest.raises(ScanError, match=sentence) as caught, open_scan(path, reader=reader) as scan:
        scan.read()
    assert "\n" not in str(caught.value)


def test_what_is_no_scan_file(tmp_path: Path, h5: Callable[..., Path]) -> None:
    refused(tmp_path / "absent.h5", r"absent\.h5 must be an existing file")
    refused(tmp_path, "must hold TIFF files, got none")
    (tmp_path / "empty.h5").touch()
    refused(tmp_path / "empty.h5", "got an empty file")
    (tmp_path / "notes.txt").write_text("hello, world")
    refused(tmp_path / "notes.txt", "got unknown content")
    refused(
        h5("volume.h5", image=[1.0], theta=[2.0]), "got an HDF5 file with the top-level keys image, theta"
    )


def test_reader_names(tmp_path: Path) -> None:
    sample = sample_path("phantom-2coil")
    refused(sample, "reader must be auto or one of .*, got ismrmd; did you mean ismrmrd", reader="ismrmd")
    for reader in ("fastmri", "proxflow", "numpy", "bart"):
        refused(sample, "must", reader=reader)
    refused(sample_path("brain-13coil"), "must be ISMRMRD with dataset/xml", reader="ismrmrd")


def test_samples_by_name() -> None:
    for name in SAMPLES:
        with open_scan(f"sample://{name}") as scan:
            assert scan.read([0]).source == scan.info.source
    refused("sample://brain-13coils", "sample must be one of .* did you mean brain-13coil")


def test_truncated_hdf5(tmp_path: Path) -> None:
    for name in ("brain-13coil", "phantom-2coil"):
        content = sample_path(name).read_bytes()
        short = tmp_path / f"{name}.h5"
        for keep in (9, 600, len(content) // 2, len(content) - 1):
            short.write_bytes(content[:keep])
            refused(short, "must be a (complete|readable) HDF5 file")


def test_real_or_wrongly_shaped_kspace(h5: Callable[..., Path]) -> None:
    refused(h5(kspace=np.ones((2, 3, 4, 5))), r"kspace must be complex64 or complex128, got float64")
    refused(h5(kspace=np.ones((4, 5), complex)), r"must have axes \(slice, coil, H, W\), got shape \(4, 5\)")
    refused(h5(kspace=np.ones((0, 3, 4, 5), complex)), "kspace must not be empty")
    refused(h5(kspace=np.zeros((2, 3, 4, 5), complex)), "kspace must hold signal, got only zeros in item 0")
    refused(
        h5(kspace=np.ones((2, 3, 4, 5), complex), mask=np.ones(4)), r"mask must have shape \(5,\), got \(4,\)"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, 1j * np.inf])
def test_values_that_are_not_finite(h5: Callable[..., Path], value: complex) -> None:
    samples = np.ones((2, 3, 4, 5), np.complex64)
    samples[1, 2, :2, 0] = value
    refused(
        h5(kspace=samples), r"scan\.h5: kspace must be finite, got 2 NaN or Inf samples in item 1, coil 2"
    )


def test_finite_samples_of_great_size_are_no_overflow(h5: Callable[..., Path]) -> None:
    samples = np.full((1, 1, 4, 5), 1e300, np.complex128)
    samples[..., :2, :] = 1.7e308
    with open_scan(h5(kspace=samples)) as scan:
        np.testing.assert_array_equal(scan.read().samples, samples)


def test_mask_of_the_wrong_shape(measurement: KSpace, tmp_path: Path) -> None:
    turned = replace(measurement, mask=measurement.mask.transpose(0, 2, 1))
    with pytest.raises(ScanError, match=r"mask must have shape \(2 or 1, 48, 40\), got \(2, 40, 48\)"):
        write_kspace_h5(tmp_path / "scan.h5", turned)
    path = write_kspace_h5(tmp_path / "scan.h5", measurement)
    with h5py.File(path, "r+") as file:
        del file["mask"]
        file["mask"] = turned.mask
    refused(path, r"mask must have shape \(2 or 1, 48, 40\)")


def test_items_out_of_range(measurement: KSpace, tmp_path: Path) -> None:
    with open_scan(write_kspace_h5(tmp_path / "scan.h5", measurement)) as scan:
        for item in (2, -1):
            with pytest.raises(ScanError, match=rf"items must be in 0 to 1 for scan\.h5, got {item}"):
                scan.read([0, item])
        with pytest.raises(ScanError, match="at least one item"):
            scan.read([])


def test_a_declared_size_the_file_cannot_hold(tmp_path: Path) -> None:
    for name, shape in (("huge.h5", (10**5, 64, 4096, 4096)), ("sparse.h5", (1, 2, 8, 8))):
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("kspace", shape, np.complex64, chunks=(1, 1, 8, 8))
    refused(tmp_path / "huge.h5", "kspace must fit its file, got .* declared bytes")
    refused(tmp_path / "sparse.h5", "kspace must hold its 1024 declared bytes, got 0")
