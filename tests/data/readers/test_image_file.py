"""Pictures as scans: every kind of file, one array of several, what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.data.still_picture import StillPicture
from tests.dicom_files import write_dicom

STACK = np.arange(3 * 11 * 9, dtype=np.float32).reshape(3, 11, 9)


def read(path: Path | str, reader: str = "auto", items: list[int] | None = None) -> StillPicture:
    with open_scan(path, reader, kind="image") as scan:
        assert scan.info.axes == ("item", "y", "x")
        found = scan.read(items)
    assert isinstance(found, StillPicture) and found.samples.dtype == np.float32
    return found


@pytest.mark.parametrize("name", ["a.nii.gz", "a.npy", "a.npz", "a.h5", "a.tif"])
def test_stacks_are_read_slice_by_slice(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.nii.gz":
        nibabel.Nifti1Image(STACK.transpose(2, 1, 0), np.eye(4)).to_filename(path)  # type: ignore[no-untyped-call,attr-defined]
    elif name == "a.npy":
        np.save(path, STACK[:, None])
    elif name == "a.npz":
        np.savez(path, images=STACK, patient=np.array(["p", "q", "q"]))
    elif name == "a.h5":
        with h5py.File(path, "w") as file:
            file["images"] = STACK.astype(np.uint16)
            file["source"] = 0
    else:
        tifffile.imwrite(path, STACK, photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read(path).samples, STACK)
    one = read(path, "image", [2])
    np.testing.assert_array_equal(one.samples, STACK[2:])
    assert one.labels == ("image 2 of q" if name == "a.npz" else "image 2",)


@pytest.mark.parametrize(("name", "kind"), [("a.png", np.uint8), ("b.png", np.uint16), ("c.png", np.bool_)])
def test_grey_pictures_open_by_content(name: str, kind: type, tmp_path: Path) -> None:
    Image.fromarray(STACK[0].astype(kind)).save(tmp_path / name)
    with open_scan(tmp_path / name) as scan:
        assert scan.info.modality == "image" and scan.info.labels == (name[0],)
        np.testing.assert_array_equal(scan.read().samples[0], STACK[0].astype(kind))


def test_an_array_is_named_and_scaled(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["truth"], file["other"] = STACK, STACK[:1]
        file["truth"].attrs.update(factor=0.5, units="1/mm")
        file.create_group("source").attrs["licence"] = "mine"
    found = read(f"{tmp_path / 'a.h5'}::truth")
    np.testing.assert_array_equal(found.samples, STACK / 2)
    assert dict(found.source) == {"licence": "mine", "units": "1/mm"}
    with open_scan(f"{tmp_path / 'a.h5'}::other") as scan:  # the name of an array says that it is pictures
        assert scan.info.shape == (1, 11, 9)
    with pytest.raises(ScanError, match=r"hold one stack of images, or be named as a.h5::NAME, got other"):
        read(tmp_path / "a.h5")


def test_a_sample_has_frames_that_are_pictures() -> None:
    found = read("sample://dynamic-ct-lung::reference", items=[0, 63])
    assert found.samples.shape == (2, 128, 128) and 0.03 < found.samples.max() < 0.05
    with pytest.raises(ScanError, match="got a Proxflow measurement; images in it are named as"):
        read("sample://dynamic-ct-lung")


def test_a_folder_is_a_dicom_series_and_its_files_are_known(tmp_path: Path) -> None:
    made = write_dicom(tmp_path / "1.dcm", STACK[1].astype(np.uint16), InstanceNumber=1)
    np.testing.assert_array_equal(read(tmp_path).samples, STACK[1:2])
    with open_scan(tmp_path, kind="image") as scan:
        assert scan.info.companions == (made,)


def test_a_scan_is_closed_and_then_read_no_more(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = STACK
    with open_scan(tmp_path / "a.h5", kind="image") as scan:
        scan.read([0])
    with pytest.raises(ScanError, match=r"a.h5 must be open to be read, got a closed scan"):
        scan.read([0])
    with h5py.File(tmp_path / "a.h5", "r+") as file:  # which nobody else holds
        file["images"][0] = 1


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones((11, 9, 3)), r"at least 8 x 8 pixels, without colours, got shape \(11, 9, 3\)"),
        (np.ones((7, 30)), r"at least 8 x 8 pixels, without colours, got shape \(7, 30\)"),
        (np.ones(30), "without colours, got shape"),
        (np.ones((0, 11, 9)), "without colours, got shape"),
        (
            STACK.astype(np.float64) * 1e300,
            "finite, got 98 NaN or Inf values in item 0, the first in row 0, column 1",
        ),
        (STACK * 1j, "pictures must be of real numbers, got complex64"),
        (
            np.where(STACK == 100, np.nan, STACK),
            "finite, got 1 NaN or Inf values in item 1, the first in row 0, column 1",
        ),
        (STACK * np.array([1, 1, 0])[:, None, None], "must hold signal, got only zeros in item 2"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_arrays_that_are_no_pictures_are_refused(array: np.ndarray, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ScanError, match=words):
        read(tmp_path / "a.npy")


def test_colours_damage_and_other_scans_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((11, 9, 3), np.uint8)).save(path)
    with pytest.raises(ScanError, match=r"a.png must be a grey picture, got 3 channels \(RGB\)"):
        read(path)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ScanError, match=r"a.png must be a readable picture, got an error"):
        read(path)
    np.save(tmp_path / "b.npy", STACK)
    (tmp_path / "b.yaml").write_text("modality: ct\n")
    with pytest.raises(ScanError, match=r"must be pictures for scan.kind image, got ct by its sidecar"):
        read(tmp_path / "b.npy")
    with pytest.raises(ScanError, match="must be a Picture file for the reader image, got MATLAB"):
        read("sample://htc2022-ta", "image")
    with pytest.raises(ScanError, match="must be an existing file, got none there"):
        read(tmp_path / "none.png")
