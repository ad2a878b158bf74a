"""DICOM files and folders: their order, what is missing in them, and what a folder may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.data.readers.dicom_series import dicom_file, dicom_series
from proxflow.data.readers.still_stack import StillStack
from tests.dicom_files import write_dicom

STACK = np.arange(3 * 11 * 9, dtype=np.uint16).reshape(3, 11, 9)


def whole(stack: StillStack) -> np.ndarray:
    """All images (item, y, x)."""
    return np.stack([stack.image(number) for number in range(stack.n_images)])


@pytest.mark.parametrize("tags", [{}, {"InstanceNumber": None, "RescaleSlope": None}])
def test_without_numbers_the_names_give_the_order(tags: dict[str, Any], tmp_path: Path) -> None:
    files = [write_dicom(tmp_path / f"{i}.dcm", plane, **tags) for i, plane in enumerate(STACK)]
    stack = dicom_series(tmp_path)
    np.testing.assert_array_equal(whole(stack), STACK)
    assert stack.files == tuple(files) and stack.held_bytes == 0


def test_one_file_is_one_picture(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", STACK[1], RescaleIntercept=-50)
    for kind in ("image", None):
        with open_scan(path, kind=kind) as scan:  # type: ignore[arg-type]
            assert scan.info.modality == "image" and scan.info.companions == ()
            np.testing.assert_array_equal(scan.read().samples, STACK[1:2] - 50.0)


@pytest.mark.parametrize("name", ["Rows", "PixelData"])
def test_a_file_without_an_image_is_refused(name: str, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", STACK[0], without=name)
    with pytest.raises(ScanError, match=rf"a.dcm must hold a DICOM image, got none: it has no {name}"):
        open_scan(path, kind="image")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", STACK[0])
    whole = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(whole[:-100])
    with pytest.raises(ScanError, match=r"a.dcm must hold a readable DICOM image, got an error"):
        dicom_series(tmp_path).image(0)
    (tmp_path / "a.dcm").write_bytes(whole[:132] + b"\x08\0\x10\0SQ\0\0\xff\xff\xff\xff" + b"\x01" * 20)
    with pytest.raises(ScanError, match=r"a.dcm must be a readable DICOM file, got an error"):
        dicom_series(tmp_path)


def test_a_file_that_is_damaged_costs_its_own_image_alone(tmp_path: Path) -> None:
    """Opening looks at headers; pixels are read when they are asked for."""
    for i, plane in enumerate(STACK):
        path = write_dicom(tmp_path / f"{i}.dcm", np.tile(plane, (8, 8)))
    path.write_bytes(path.read_bytes()[:-100])
    with open_scan(tmp_path, kind="image") as scan:
        assert scan.info.shape == (3, 88, 72)
        np.testing.assert_array_equal(scan.read([1]).samples[0], np.tile(STACK[1], (8, 8)))
        with pytest.raises(ScanError, match=r"2.dcm must hold a readable DICOM image, got an error"):
            scan.read([2])


@pytest.mark.parametrize("size", [0, 140, 300])
def test_a_file_cut_before_its_image_is_not_left_out(size: int, tmp_path: Path) -> None:
    for i, plane in enumerate(STACK):
        path = write_dicom(tmp_path / f"{i}.dcm", plane)
    path.write_bytes(path.read_bytes()[:size])
    words = (
        "hold an image as the files beside it, got none" if size else "be a readable DICOM file, got an error"
    )
    with pytest.raises(ScanError, match=f"2.dcm must {words}"):
        dicom_series(tmp_path)


def test_files_that_say_they_are_no_images_are_left_out(tmp_path: Path) -> None:
    for i, plane in enumerate(STACK):
        path = write_dicom(tmp_path / f"{i}.dcm", plane)
    other = pydicom.dcmread(path)
    other.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    del other.PixelData
    other.save_as(tmp_path / "DICOMDIR")
    (tmp_path / "._0.dcm").write_text("what another system keeps of 0.dcm")
    assert len(dicom_series(tmp_path).files) == 3


def test_frames_of_enhanced_images_are_rescaled_by_their_groups(tmp_path: Path) -> None:
    """What a frame's own group tells counts before what all share, and that before the file's."""
    one, other, empty = group(2, -7), group(3, 5), Dataset()
    tags: dict[str, Any] = {"RescaleSlope": 4, "SharedFunctionalGroupsSequence": [one]}
    shared = dicom_file(write_dicom(tmp_path / "a.dcm", STACK, **tags))
    np.testing.assert_array_equal(whole(shared), 2.0 * STACK - 7)
    tags["PerFrameFunctionalGroupsSequence"] = [empty, other, empty]
    own = dicom_file(write_dicom(tmp_path / "a.dcm", STACK, **tags))
    np.testing.assert_array_equal(own.image(1), 3.0 * STACK[1] + 5)
    np.testing.assert_array_equal(own.image(2), 2.0 * STACK[2] - 7)


def group(slope: float, intercept: float) -> Dataset:
    values, made = Dataset(), Dataset()
    values.RescaleSlope, values.RescaleIntercept = slope, intercept
    made.PixelValueTransformationSequence = [values]
    return made


def test_colours_are_refused(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", STACK[0], SamplesPerPixel=3, Columns=3)
    with pytest.raises(ScanError, match=r"a.dcm must hold a grey image, got 3 values a pixel"):
        dicom_file(path)


def test_frames_of_one_file_are_read_by_themselves(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", STACK, RescaleSlope=2, RescaleIntercept=-7)
    stack = dicom_file(path)
    assert stack.shape == STACK.shape
    np.testing.assert_array_equal(stack.image(2), 2.0 * STACK[2] - 7)
    write_dicom(tmp_path / "b.dcm", STACK[::-1].copy())
    series = dicom_series(tmp_path)
    assert series.shape == (2, *STACK.shape)
    np.testing.assert_array_equal(series.image(4), STACK[1])


def test_two_series_and_two_sizes_are_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", STACK[0], SeriesInstanceUID="1.2")
    write_dicom(tmp_path / "b.dcm", STACK[1], SeriesInstanceUID="1.3")
    with pytest.raises(ScanError, match="must hold one DICOM series, got 2 values of SeriesInstanceUID"):
        dicom_series(tmp_path)
    write_dicom(tmp_path / "b.dcm", STACK[1, :10], SeriesInstanceUID="1.2")
    with pytest.raises(ScanError, match="must hold DICOM images of one size, got 2 sizes"):
        dicom_series(tmp_path)


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
