"""Images to simulate from: axes, slices, times, orientation, units, and what is refused."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.readers.image_source import read_images

SERIES = np.arange(2 * 3 * 9 * 8, dtype=np.int16).reshape(2, 3, 9, 8)  # slice, time, y, x


@pytest.mark.parametrize("kind", ["npy", "npz", "h5"])
def test_read_images_of_four_axes(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "npy":
        np.save(path, SERIES)
    elif kind == "npz":
        np.savez(path, images=SERIES, pixel_mm=np.array([1.5, 1.5]), TI_ms=np.arange(3.0))
    else:
        with h5py.File(path, "w") as file:
            file["images"] = SERIES
            file["pixel_mm"] = 1.5
            file["images"].attrs["units"] = "1/mm"
    read = read_images(path, stack="times", slice_index=0, times=[2, 0])
    np.testing.assert_array_equal(read.values, SERIES[0, [2, 0]])
    assert (read.slice_index, read.n_slices) == (0, 2)
    assert read.pixel_mm == (None if kind == "npy" else (1.5, 1.5))
    assert read.units == ("1/mm" if kind == "h5" else "")
    assert read_images(path, stack="times").slice_index == 1  # the middle one


def test_read_images_of_three_axes_by_stack(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SERIES[0])
    np.testing.assert_array_equal(
        read_images(tmp_path / "a.npy", stack="slices", slice_index=2).values, SERIES[0, 2][None]
    )
    np.testing.assert_array_equal(read_images(tmp_path / "a.npy", stack="times").values, SERIES[0])


@pytest.mark.parametrize(("signs", "flips"), [((-1, -1), (1, 1)), ((1, 1), (-1, -1)), ((1, -1), (1, -1))])
def test_read_images_turns_nifti_so_that_the_front_is_up(tmp_path: Path, signs, flips) -> None:
    """Columns go to the patient's left, rows to the back; NIfTI's axes to the right and the front."""
    volume = np.arange(8 * 9 * 4, dtype=np.int16).reshape(8, 9, 4)  # x, y, slice
    nibabel.save(
        nibabel.Nifti1Image(volume, np.diag([signs[0] * 2.0, signs[1] * 3.0, 5, 1])), tmp_path / "a.nii.gz"
    )
    read = read_images(tmp_path / "a.nii.gz", stack="slices", slice_index=1)
    np.testing.assert_array_equal(read.values[0], volume[..., 1].T[:: flips[0], :: flips[1]])
    assert read.pixel_mm == (3.0, 2.0)
    assert read.n_slices == 4


def test_read_images_puts_the_head_up_in_a_coronal_nifti(tmp_path: Path) -> None:
    volume = np.arange(8 * 9 * 4, dtype=np.int16).reshape(8, 9, 4)
    affine = np.array([[-2, 0, 0, 0], [0, 0, 5, 0], [0, 3, 0, 0], [0, 0, 0, 1.0]])  # x left, y to the head
    nibabel.save(nibabel.Nifti1Image(volume, affine), tmp_path / "a.nii")
    read = read_images(tmp_path / "a.nii", stack="slices", slice_index=0)
    np.testing.assert_array_equal(read.values[0], volume[..., 0].T[::-1])


def test_read_images_takes_wrapped_integers_for_unsigned(tmp_path: Path) -> None:
    true = np.full((9, 8), 40_000, dtype=np.uint16)
    np.save(tmp_path / "a.npy", true.view(np.int16))
    np.testing.assert_array_equal(
        read_images(tmp_path / "a.npy", stack="times", unsigned=True).values[0], true
    )
    np.save(tmp_path / "b.npy", true)
    with pytest.raises(ScanError, match="must hold signed integers to be taken as unsigned, got uint16"):
        read_images(tmp_path / "b.npy", stack="times", unsigned=True)


def test_read_images_of_a_sample_reads_its_reference() -> None:
    read = read_images("sample://dynamic-ct-lung", stack="slices", times=[0])
    assert read.values.shape == (1, 128, 128)
    assert read.units == "1/mm" and read.values.max() == pytest.approx(0.0414, abs=1e-3)
    assert read.pixel_mm == pytest.approx((2.568, 2.568), abs=1e-3)
    assert read.source["licence"] == "BSD-3-Clause"


@pytest.mark.parametrize(
    ("array", "asked", "sentence"),
    [
        (SERIES, {"slice_index": 2}, "a.npy: slice must lie between 0 and 1, got 2"),
        (SERIES, {"times": [3]}, "a.npy: times must lie between 0 and 2, got \\[3\\]"),
        (SERIES[0, 0, 0], {}, "a.npy must have axes \\(\\[slice, time,\\] y, x\\), got shape \\(8,\\)"),
        (np.full((9, 8), np.nan), {}, "a.npy: images must be finite, got 72 NaN or Inf"),
        (np.full((9, 8), "a"), {}, "a.npy must hold numbers"),
    ],
)
def test_read_images_refuses(tmp_path: Path, array: np.ndarray, asked: dict, sentence: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ScanError, match=sentence):
        read_images(tmp_path / "a.npy", stack="times", **asked)


def test_read_images_refuses_what_holds_no_images(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no image")
    (tmp_path / "a.nii").write_text("no image")
    np.savez(tmp_path / "two.npz", a=SERIES, b=SERIES)
    for name, key, sentence in (
        ("none.npy", None, "must be an existing image file, got none there"),
        ("a.txt", None, "must be an image in NIfTI, NumPy or HDF5 form, got other content"),
        ("a.nii", None, "a.nii must be a readable NIfTI file, got an error"),
        ("two.npz", None, "two.npz must have one array of images, or its key must be given, got a, b"),
        ("two.npz", "c", "two.npz must hold images under the key c, got a, b"),
    ):
        with pytest.raises(ScanError, match=sentence):
            read_images(tmp_path / name, stack="slices", key=key)
    with pytest.raises(ScanError, match=r"brain-13coil\.h5 must have one array of images"):
        read_images("sample://brain-13coil", stack="slices")
