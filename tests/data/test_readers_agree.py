"""The same scan through every format gives the same k-space; foreign details one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry, KSpace
from proxflow.data.open_scan import open_scan
from proxflow.data.writers.kspace_h5 import write_kspace_h5

SIDECAR = "axes: [item, coil, ky, kx]\nfield_of_view_mm: [5, 96, 60]\n"


def test_every_format_gives_the_same_kspace(
    brain: np.ndarray, foreign: SimpleNamespace, h5: Callable[..., Path], tmp_path: Path
) -> None:
    sampled = np.random.default_rng(4).random(40) < 0.5
    samples = brain * sampled
    lines = [
        foreign.acquisition(samples[item][:, :, column], kspace_encode_step_1=column, slice=item)
        for item in (0, 1)
        for column in np.flatnonzero(sampled)
    ]  # lines run along our ky: ISMRMRD's readout is the last axis, so its reader gives the transpose
    turned = foreign.ismrmrd(tmp_path / "mrd.h5", foreign.header((1, 40, 48)), lines)
    dims = np.zeros((40, 48, 1, 4, *[1] * 9, 2), np.complex64)
    dims[:, :, 0, :, 0, 0, 0, 0, 0, 0, 0, 0, 0, :] = samples.transpose(3, 2, 1, 0)
    np.save(tmp_path / "plain.npy", samples)
    np.savez(tmp_path / "packed.npz", kspace=samples.transpose(1, 2, 3, 0), m=sampled * np.ones((48, 1)))
    (tmp_path / "plain.yaml").write_text(SIDECAR)
    (tmp_path / "packed.json").write_text(json.dumps({"axes": ["coil", "ky", "kx", "item"], "mask": "m"}))
    mask = np.repeat(sampled[None], 48, axis=0)[None]
    own = KSpace(samples, mask, Geometry((48, 40), slices=(0, 1)), ("slice 0", "slice 1"))
    files = {
        "proxflow": write_kspace_h5(tmp_path / "own.h5", own),
        "fastmri": h5("fast.h5", kspace=samples),
        "bart": foreign.bart(tmp_path / "bart", dims),
        "numpy": tmp_path / "plain.npy",
    }
    for name, path in [*files.items(), ("numpy", tmp_path / "packed.npz")]:
        with open_scan(path) as scan, open_scan(path, reader=name) as forced:
            assert scan.info.format == forced.info.format == name
            assert scan.info.shape == (2, 4, 48, 40)
            read, last = scan.read(), forced.read([1])
        np.testing.assert_array_equal(read.samples, samples)
        np.testing.assert_array_equal(read.mask, mask)
        np.testing.assert_array_equal(last.samples, samples[1:])
    with open_scan(turned) as scan:
        read = scan.read()
    np.testing.assert_array_equal(read.samples, samples.swapaxes(2, 3))
    np.testing.assert_array_equal(read.mask, mask.swapaxes(1, 2))


def test_fastmri_mask_padding_reference_and_single_coil(
    brain: np.ndarray, foreign: SimpleNamespace, h5: Callable[..., Path]
) -> None:
    samples, mask = brain.copy(), np.ones(40, bool)
    samples[..., 36:] = 0  # padding that the mask calls sampled
    mask[5:9] = False
    image = np.sqrt((np.abs(foreign.ifft2c(samples)) ** 2).sum(1))
    reference = image[:, 24 - 12 : 24 + 12, 20 - 16 : 20 + 16].astype(np.float32)
    path = h5(kspace=samples, mask=mask, reconstruction_rss=reference)
    with open_scan(path) as scan:
        assert scan.info.shape == (2, 4, 24, 40)  # readout oversampling removed, columns kept
        assert scan.info.geometry.matrix == (24, 32)
        read = scan.read()
    expected = mask & (np.arange(40) < 36)
    np.testing.assert_array_equal(read.mask[0], np.repeat(expected[None], 24, axis=0))
    assert read.reference is not None
    np.testing.assert_array_equal(read.reference, reference)
    with open_scan(h5(kspace=samples, reconstruction_rss=reference)) as scan:
        full = scan.read([1])
    ours = np.sqrt((np.abs(foreign.ifft2c(full.samples)) ** 2).sum(1))[:, :, 20 - 16 : 20 + 16]
    np.testing.assert_allclose(ours, reference[1:], rtol=0, atol=1e-5 * reference.max())
    with open_scan(h5(kspace=samples[:, 0])) as scan:
        np.testing.assert_array_equal(scan.read().samples, samples[:, :1])


def test_fastmri_header_gives_matrix_and_field_of_view(
    brain: np.ndarray, foreign: SimpleNamespace, h5: Callable[..., Path]
) -> None:
    xml = foreign.header((1, 40, 24), oversampling=2, voxel=(5.0, 1.5, 2.0)).decode()
    with open_scan(h5(kspace=brain, ismrmrd_header=xml)) as scan:
        assert scan.info.shape == (2, 4, 24, 40)
        assert scan.info.geometry.voxel_size_mm == (5.0, 2.0, 1.5)


def test_bart_dimensions_and_names(foreign: SimpleNamespace, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    shape = (1, 6, 5, 3, 1, 2, 1, 1, 1, 1, 4)  # plane phs1 x phs2, 3 coils, 2 echoes, 4 times
    array = (random.normal(size=shape) + 1j * random.normal(size=shape)).astype(np.complex64)
    stem = foreign.bart(tmp_path / "scan", array)
    for path in (stem, stem.with_suffix(".cfl"), stem.with_suffix(".hdr")):
        with open_scan(path) as scan:
            assert scan.info.shape == (8, 3, 5, 6)
            assert scan.info.labels[3] == "echo 1, time 1"
            assert scan.info.companions == (stem.with_suffix(".hdr"),)
            read = scan.read([3])
    np.testing.assert_array_equal(read.samples[0], array[0, :, :, :, 0, 1, 0, 0, 0, 0, 1].transpose(2, 1, 0))


def test_bart_pairs_that_do_not_fit(foreign: SimpleNamespace, tmp_path: Path) -> None:
    stem = foreign.bart(tmp_path / "scan", np.ones((4, 5, 1, 2), np.complex64))
    data = stem.with_suffix(".cfl")
    data.write_bytes(data.read_bytes()[:-8])
    with pytest.raises(ScanError, match=r"must hold 320 bytes for dimensions 4 5 1 2 .*, got 312"):
        open_scan(stem)
    stem.with_suffix(".hdr").write_text("# Dimensions\n4 five\n")
    with pytest.raises(ScanError, match="a line of integers"):
        open_scan(data)
    stem.with_suffix(".hdr").unlink()
    with pytest.raises(ScanError, match=r"scan\.hdr must exist beside its partner"):
        open_scan(data)
    for shape, sentence in (
        ((3, 4, 5), "one of read, phs1, phs2 must be 1"),
        ((3, 4, 1, 2, 2), "maps must be 1"),
    ):
        with pytest.raises(ScanError, match=sentence):
            open_scan(foreign.bart(tmp_path / "other", np.ones(shape, np.complex64)))


@pytest.mark.parametrize(
    ("sidecar", "sentence"),
    [
        (None, "must have a sidecar scan.yaml with 'axes:"),
        ("axes: [coil, ky, kx]", r"kspace must have axes \(coil, ky, kx\), got shape \(2, 3, 4, 5\)"),
        ("axes: [slice, coil, ky, kx]", "axes must name ky, kx and at most item, coil, once each, got"),
        ("axes: [item, coil, ky, ky]", "axes must name"),
        ("axis: [item, coil, ky, kx]", "got axis; did you mean axes?"),
        ("axes: [item", "must be readable YAML or JSON"),
        ("- 1", "must map names to values, got list"),
        ("axes: [item, coil, ky, kx]\nmatrix: [9, 4]", r"matrix must be at most \(4, 5\), got \(9, 4\)"),
        ("axes: [item, coil, ky, kx]\nfield_of_view_mm: [1, -2, 3]", "must be a list of 3 positive numbers"),
        ("axes: [item, coil, ky, kx]\nlabels: [one]", "labels must be a list naming 2 items"),
        ("axes: [item, coil, ky, kx]\nmask: m", "must be keys of an .npz"),
    ],
)
def test_sidecars_that_do_not_fit(tmp_path: Path, sidecar: str | None, sentence: str) -> None:
    np.save(tmp_path / "scan.npy", np.ones((2, 3, 4, 5), np.complex64))
    if sidecar is not None:
        (tmp_path / "scan.yaml").write_text(sidecar)
    with pytest.raises(ScanError, match=sentence) as caught:
        open_scan(tmp_path / "scan.npy")
    assert "\n" not in str(caught.value)


def test_numpy_files_that_are_unsound(tmp_path: Path) -> None:
    (tmp_path / "scan.yaml").write_text(SIDECAR)
    path = tmp_path / "scan.npy"
    np.save(path, np.array([{"a": 1}], dtype=object))
    with pytest.raises(ScanError, match="must be a complete NumPy file of numbers"):
        open_scan(path)
    np.save(path, np.ones((2, 3, 4, 5), np.complex64))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ScanError, match="must be a complete NumPy file of numbers"):
        open_scan(path)
    np.savez(tmp_path / "scan.npz", data=np.ones(3))
    with pytest.raises(ScanError, match="must hold the key kspace, got data"):
        open_scan(tmp_path / "scan.npz")


def test_a_memory_mapped_item_is_read_alone(tmp_path: Path) -> None:
    samples = np.ones((3, 2, 4, 5), np.complex64)
    samples[2] = np.nan
    np.save(tmp_path / "scan.npy", samples)
    (tmp_path / "scan.yaml").write_text(SIDECAR)
    with open_scan(tmp_path / "scan.npy") as scan:
        np.testing.assert_array_equal(scan.read([1]).samples, samples[1:2])
        with pytest.raises(ScanError, match="40 NaN or Inf samples in item 2, coils 0, 1"):
            scan.read()
