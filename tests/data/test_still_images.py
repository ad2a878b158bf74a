"""Images of denoisers' trainings: every kind of file, whose they are, what is refused."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.still_images import read_still_images
from tests.dicom_files import write_dicom

STACK = np.arange(3 * 5 * 4, dtype=np.float32).reshape(3, 5, 4)


def test_slices_of_a_nifti_volume(tmp_path: Path) -> None:
    nibabel.Nifti1Image(STACK.transpose(2, 1, 0), np.eye(4)).to_filename(tmp_path / "who.nii.gz")  # type: ignore[no-untyped-call,attr-defined]
    found = read_still_images(str(tmp_path / "who.nii.gz"))
    assert list(found) == ["who"]
    np.testing.assert_array_equal(np.stack(found["who"]), STACK)


def test_arrays_of_numpy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", STACK[None] * 1j)
    np.savez(tmp_path / "b.npz", images=STACK, other=STACK[:1], subject=np.array(["p", "q", "p"]))
    np.testing.assert_array_equal(np.stack(read_still_images(str(tmp_path / "a.npy"))["a"]), STACK)
    found = read_still_images(str(tmp_path / "b.npz"))
    assert {name: len(images) for name, images in found.items()} == {"p": 2, "q": 1}
    np.testing.assert_array_equal(found["p"][1], STACK[2])
    assert list(read_still_images(f"mine={tmp_path / 'b.npz'}::other")) == ["mine"]


def test_datasets_of_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["hu"] = STACK.astype(np.int16)
        file["patient"] = np.array([b"p2", b"p1", b"p2"])
        file["pixel_mm"] = np.ones(3)
    found = read_still_images(str(tmp_path / "a.h5"))
    assert {name: len(images) for name, images in found.items()} == {"p1": 1, "p2": 2}
    with pytest.raises(ScanError, match=r"a.h5 must hold the dataset none"):
        read_still_images(f"{tmp_path / 'a.h5'}::none")


def test_a_dicom_series_in_its_own_unit(tmp_path: Path) -> None:
    for number, plane in enumerate(STACK):  # against the order of the names
        tags = {"InstanceNumber": 3 - number, "RescaleSlope": 2, "RescaleIntercept": -1024}
        write_dicom(tmp_path / f"{number}.dcm", plane.astype(np.uint16), **tags)
    found = read_still_images(f"who={tmp_path}")
    np.testing.assert_array_equal(np.stack(found["who"]), 2 * STACK[::-1] - 1024)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("a.npy", np.ones(3), r"must hold images \(..., y, x\)"),
        ("a.npy", np.full((2, 2), np.nan), "must hold finite numbers"),
        ("a.txt", None, "must be NIfTI, .npy, .npz, HDF5, TIFF, PNG, JPEG, DICOM or a DICOM folder"),
        ("none.npy", None, "must be existing files"),
        ("a.nii", None, "must be a readable NIfTI file"),
    ],
)
def test_what_shows_no_images_is_refused(
    name: str, array: np.ndarray | None, words: str, tmp_path: Path
) -> None:
    if array is not None:
        np.save(tmp_path / name, array)
    elif name != "none.npy":
        (tmp_path / name).write_text("text")
    with pytest.raises(ScanError, match=words):
        read_still_images(str(tmp_path / name))
