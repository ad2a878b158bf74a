"""DICOM files and folders: their order, what is missing in them, and what a folder may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.data.readers.dicom_series import read_dicom_series

STACK = np.arange(3 * 11 * 9, dtype=np.uint16).reshape(3, 11, 9)


def written(path: Path, plane: np.ndarray, without: str = "", **tags: Any) -> Path:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)  # type: ignore[arg-type]
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    made.Rows, made.Columns = plane.shape
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 0
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.PixelData = plane.tobytes()
    for name, value in tags.items():
        setattr(made, name, value)
    if without:
        delattr(made, without)
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("tags", [{}, {"InstanceNumber": None, "RescaleSlope": None}])
def test_without_numbers_the_names_give_the_order(tags: dict[str, Any], tmp_path: Path) -> None:
    files = [written(tmp_path / f"{i}.dcm", plane, **tags) for i, plane in enumerate(STACK)]
    images, found = read_dicom_series(tmp_path)
    np.testing.assert_array_equal(images, STACK)
    assert found == tuple(files)


def test_one_file_is_one_picture(tmp_path: Path) -> None:
    path = written(tmp_path / "a.dcm", STACK[1], RescaleIntercept=-50)
    for kind in ("image", None):
        with open_scan(path, kind=kind) as scan:  # type: ignore[arg-type]
            assert scan.info.modality == "image" and scan.info.companions == ()
            np.testing.assert_array_equal(scan.read().samples, STACK[1:2] - 50.0)


@pytest.mark.parametrize("name", ["Rows", "PixelData"])
def test_a_file_without_an_image_is_refused(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.dcm", STACK[0], without=name)
    with pytest.raises(ScanError, match=rf"a.dcm must hold a DICOM image, got none: it has no {name}"):
        open_scan(path, kind="image")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.dcm", STACK[0])
    whole = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(whole[:-100])
    with pytest.raises(ScanError, match=r"a.dcm must hold a readable DICOM image, got an error"):
        read_dicom_series(tmp_path)
    (tmp_path / "a.dcm").write_bytes(whole[:132] + b"\x08\0\x10\0SQ\0\0\xff\xff\xff\xff" + b"\x01" * 20)
    with pytest.raises(ScanError, match=r"a.dcm must be a readable DICOM file, got an error"):
        read_dicom_series(tmp_path)


def test_two_series_and_two_sizes_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.dcm", STACK[0], SeriesInstanceUID="1.2")
    written(tmp_path / "b.dcm", STACK[1], SeriesInstanceUID="1.3")
    with pytest.raises(ScanError, match="must hold one DICOM series, got 2 values of SeriesInstanceUID"):
        read_dicom_series(tmp_path)
    written(tmp_path / "b.dcm", STACK[1, :10], SeriesInstanceUID="1.2")
    with pytest.raises(ScanError, match="must hold DICOM images of one size, got 2 sizes"):
        read_dicom_series(tmp_path)


def test_a_folder_of_other_pictures_is_told_what_it_may_be(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"must hold one DICOM series, .* got no files"):
        open_scan(tmp_path, kind="image")
    Image.fromarray(STACK[0].astype(np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ScanError, match=r"got 1 of .png; pictures in other files are named one by one"):
        open_scan(tmp_path, kind="image")


def test_unknown_content_names_the_forms_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_text("text")
    with pytest.raises(ScanError, match="NIfTI, PNG, JPEG or DICOM form, got unknown content"):
        open_scan(tmp_path / "a.bin")
