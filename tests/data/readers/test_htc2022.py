"""HTC2022 MATLAB files, v5 and v7.3, with the segmentation beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from proxflow.data.errors import ScanError
from proxflow.data.readers.htc2022 import Htc2022Scan, is_htc2022
from proxflow.data.samples.catalogue import FOLDER

Refused = Callable[..., None]
PARAMETERS = {
    "projectName": "htc2022_zz_",
    "distanceSourceOrigin": 410.66,
    "distanceSourceDetector": 553.74,
    "distanceUnit": "mm",
    "pixelSizePost": 0.2,
    "measurers": "Kräuter, Mäkelä",
}


def parameters(ct: SimpleNamespace, changes: dict[str, Any]) -> dict[str, Any]:
    content = {**PARAMETERS, "angles": ct.angles_deg} | changes
    return {key: value for key, value in content.items() if value is not None}


@pytest.fixture
def mat(tmp_path: Path, ct: SimpleNamespace) -> Callable[..., Path]:
    """Write a v5 file; ``changes`` replace parameters, None leaves one out."""

    def write(sinogram: Any = None, struct: str = "CtDataFull", **changes: Any) -> Path:
        if sinogram is None:
            sinogram = ct.attenuation[:, 0].astype(float)
        content = {"type": "2d", "sinogram": sinogram, "parameters": parameters(ct, changes)}
        path = tmp_path / "htc_full.mat"
        scipy.io.savemat(path, {struct: content}, do_compression=True)
        return path

    return write


@pytest.fixture
def mat73(tmp_path: Path, ct: SimpleNamespace) -> Path:
    """The same in MATLAB's v7.3 form: HDF5 behind 512 bytes, arrays transposed, texts as numbers."""
    path = tmp_path / "htc73.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("CtDataFull")
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        group.create_group("parameters").attrs["MATLAB_class"] = np.bytes_("struct")
        content = {"sinogram": ct.attenuation[:, 0].astype(float)}
        content |= {f"parameters/{key}": value for key, value in parameters(ct, {}).items()}
        for key, value in content.items():
            text = isinstance(value, str)
            array = np.array([[ord(c) for c in value]], np.uint16) if text else np.atleast_2d(value)
            group[key] = array.T
            group[key].attrs["MATLAB_class"] = np.bytes_("char" if text else "double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b"\0" * 8 + b"\x00\x02IM")
    return path


def test_shipped_slice() -> None:
    path = FOLDER / "htc2022-ta.mat"
    assert is_htc2022(path)
    with Htc2022Scan(path) as scan:
        info, read = scan.info, scan.read()
    assert (info.shape, info.quantity, info.labels) == ((1, 721, 560), "attenuation", ("htc2022_ta",))
    assert info.companions == (FOLDER / "htc2022-ta_seg.mat",)
    geometry = read.geometry
    assert (geometry.beam, geometry.column_size_mm, geometry.axis_column) == ("fan", 0.2, 279.5)
    assert (geometry.source_origin_mm, geometry.source_detector_mm) == (410.66, 553.74)
    np.testing.assert_allclose(geometry.angles_rad, np.deg2rad(np.arange(721) / 2), atol=1e-12)
    assert read.labels_image is not None
    assert (read.labels_image.shape, read.labels_image.dtype) == ((1, 512, 512), np.uint8)
    assert read.image_pixel_mm == pytest.approx(0.1483, abs=1e-4)
    disc_mm = np.sqrt(read.labels_image.sum() / 0.75 / np.pi) * 2 * read.image_pixel_mm
    assert 60 < disc_mm < 80  # 70 mm across, about a quarter of it holes


def test_both_versions_read_alike(mat: Callable[..., Path], mat73: Path, ct: SimpleNamespace) -> None:
    for path in (mat(), mat73):
        assert is_htc2022(path)
        with Htc2022Scan(path) as scan:
            read = scan.read([0])
        np.testing.assert_array_equal(read.samples[0], ct.attenuation[:, 0].astype(float))
        np.testing.assert_allclose(read.geometry.angles_rad, np.deg2rad(ct.angles_deg))
        assert (read.labels, read.labels_image) == (("htc2022_zz",), None)
        assert scan.info.source["measurers"] == "Kräuter, Mäkelä"


def test_limited_arc_and_its_segmentation(mat: Callable[..., Path], tmp_path: Path, refused: Refused) -> None:
    path = mat(
        struct="CtDataLimited", distanceUnit="cm", distanceSourceOrigin=41.066, distanceSourceDetector=55.374
    )
    image = np.eye(9, 7, dtype=np.uint8)
    scipy.io.savemat(tmp_path / "htc_seg.mat", {"reconFullFbpSeg": image})
    with Htc2022Scan(path) as scan:
        read = scan.read()
        assert scan.info.has_reference
        assert scan.info.file_bytes == sum(file.stat().st_size for file in tmp_path.iterdir())
    assert read.geometry.source_origin_mm == pytest.approx(410.66)
    assert read.labels_image is not None
    np.testing.assert_array_equal(read.labels_image[0], image)
    for wrong, sentence in (
        (image * 0.5, "must hold labels 0 to 255"),
        (image[0], r"must be an image \(y, x\)"),
    ):
        scipy.io.savemat(tmp_path / "htc_seg.mat", {"reconFullFbpSeg": wrong})
        refused(Htc2022Scan, path, f"htc_seg.mat: reconFullFbpSeg {sentence}")
    scipy.io.savemat(tmp_path / "htc_seg.mat", {"seg": image})
    refused(Htc2022Scan, path, "htc_seg.mat must hold the variable reconFullFbpSeg, got seg")


def test_wrong_parameters(mat: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    for key in ("distanceSourceOrigin", "distanceSourceDetector", "pixelSizePost"):
        refused(Htc2022Scan, mat(**{key: None}), f"parameters must hold {key}, got")
        refused(Htc2022Scan, mat(**{key: "wide"}), f"{key} must be a positive number, got wide")
        refused(Htc2022Scan, mat(**{key: -1.0}), f"{key} must be a positive number, got -1")
    refused(Htc2022Scan, mat(distanceUnit="inch"), "distanceUnit must be mm, cm or m, got inch")
    refused(
        Htc2022Scan,
        mat(distanceSourceOrigin=600.0),
        "distanceSourceOrigin must be less than distanceSourceDetector, got 600 and 553.74 mm",
    )
    refused(Htc2022Scan, mat(angles=None), "must hold the field angles")
    refused(Htc2022Scan, mat(angles=ct.angles_deg[:7]), "angles must name 12 angles .*got 7$")
    refused(
        Htc2022Scan, mat(angles=np.arange(40.0)), "got 40, the size of the column axis: the axes look swapped"
    )
    refused(Htc2022Scan, mat(angles=np.where(ct.angles_deg > 90, np.nan, ct.angles_deg)), "first at angle 7")
    many = np.repeat(ct.attenuation[:, 0], 20, axis=0).astype(float)
    refused(Htc2022Scan, mat(many, angles=np.linspace(0, 2 * np.pi, 240)), "must be in degrees.*like radians")


def test_wrong_samples(mat: Callable[..., Path], ct: SimpleNamespace, refused: Refused) -> None:
    sinogram = ct.attenuation[:, 0].astype(float)
    bad = sinogram.copy()
    bad[3, 8] = np.nan
    refused(Htc2022Scan, mat(bad), "attenuation must be finite, got 1 NaN or Inf samples in item 0, angle 3")
    refused(Htc2022Scan, mat(ct.counts[:, 0]), "must be line integrals in floats, got uint16 .* counts?")
    refused(Htc2022Scan, mat(ct.counts[:, 0] * 1.0), "must be line integrals .*got the median .* counts")
    refused(Htc2022Scan, mat(np.exp(-sinogram)), "must be about 0 beside the object, got 1 .* transmission?")
    refused(Htc2022Scan, mat(-sinogram), "must be positive within the object, got the mean -")
    refused(
        Htc2022Scan, mat(sinogram[None, :, :, None] * np.ones((2, 1, 1, 2))), r"must have axes \(angle, col"
    )
    refused(Htc2022Scan, mat("text"), "CtDataFull.sinogram must be an array of numbers")
    refused(Htc2022Scan, mat(struct="Other"), "must hold CtDataFull or CtDataLimited, got Other")


def test_damaged_files(mat: Callable[..., Path], mat73: Path, tmp_path: Path, refused: Refused) -> None:
    content = mat().read_bytes()
    short = tmp_path / "short.mat"
    for keep in (60, 130, len(content) // 2, len(content) - 9):
        short.write_bytes(content[:keep])
        refused(Htc2022Scan, short, "must .*MATLAB file|must hold|must be readable")
    random = np.random.default_rng(5)
    for _ in range(40):  # any byte may be wrong: a sentence, or a file that still reads
        bytes_ = bytearray(content)
        bytes_[random.integers(128, len(content))] ^= 0xFF
        short.write_bytes(bytes_)
        with contextlib.suppress(ScanError), Htc2022Scan(short) as scan:
            scan.read()
    short.write_bytes(mat73.read_bytes()[:2000])
    refused(Htc2022Scan, short, "must be a (complete|readable) HDF5 file")
    short.write_text("no scan at all")
    assert not is_htc2022(short)
    refused(Htc2022Scan, short, "must be a MATLAB file")


def test_links_are_refused(mat73: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "other.mat").write_bytes(mat73.read_bytes())
    for link in (
        h5py.ExternalLink("other.mat", "CtDataFull/sinogram"),
        h5py.SoftLink("/CtDataFull/parameters/angles"),
    ):
        with h5py.File(mat73, "r+") as file:
            del file["CtDataFull/sinogram"]
            file["CtDataFull/sinogram"] = link
        refused(Htc2022Scan, mat73, "CtDataFull/sinogram must be stored in the file itself, got an? .*link")
