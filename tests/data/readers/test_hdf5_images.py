"""Odd HDF5 and .npz files of images: links that dangle, factors and names of subjects of the wrong form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.readers.image_source import ImageSource, read_images
from proxflow.data.readers.open_stack import open_stack

STACK = np.arange(2 * 11 * 9, dtype=np.float32).reshape(2, 11, 9)


def stack_of(path: Path, array: str = "") -> np.ndarray:
    """All images (item, y, x)."""
    with open_stack(path, array) as stack:
        return np.stack([stack.image(number) for number in range(stack.n_images)])


def slice_of(path: Path) -> ImageSource:
    return read_images(path, stack="slices")


@pytest.mark.parametrize("array", ["", "a"])
def test_a_dangling_link_beside_the_images_is_left_out(array: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a"] = STACK
        file["gone"], file["source"] = h5py.SoftLink("/none"), h5py.SoftLink("/none")
    np.testing.assert_array_equal(stack_of(path, array), STACK)
    np.testing.assert_array_equal(read_images(path, stack="slices", slice_index=1).values[0], STACK[1])
    with pytest.raises(ScanError, match=r"a.h5: gone must be stored in the file itself, got a soft link"):
        open_stack(path, "gone")


@pytest.mark.parametrize("read", [stack_of, slice_of])
@pytest.mark.parametrize(
    ("factor", "got"),
    [
        ("two", "'two'"),
        ([1.0, 2.0], r"shape \(2,\)"),
        (h5py.Empty("f"), "nothing"),
        (np.nan, "nan"),
    ],
)
def test_a_factor_that_is_no_number_is_refused(
    read: Callable[[Path], Any], factor: Any, got: str, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = STACK
        file["a"].attrs["factor"] = factor
    words = rf"a.h5: the attribute factor of a must be one finite number, got .*{got}"
    with pytest.raises(ScanError, match=words):
        read(tmp_path / "a.h5")


def test_a_factor_in_a_list_and_empty_units_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = STACK
        file["a"].attrs.update(factor=[2.0], units=h5py.Empty("S1"))
    with open_stack(tmp_path / "a.h5") as stack:
        np.testing.assert_array_equal(stack.image(1), 2 * STACK[1])
        assert stack.source == {}


def test_texts_are_no_images(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.array([[b"x", b"y"]])
        file["a"].attrs["factor"] = 2
    with pytest.raises(ScanError, match=r"a.h5: a must hold numbers, got \|S1"):
        open_stack(tmp_path / "a.h5", "a")
    with pytest.raises(ScanError, match=r"a.h5 must hold one stack of images, .* got none"):
        open_stack(tmp_path / "a.h5")


@pytest.mark.parametrize("array", ["a/b", "/a/b", "a/b/"])
def test_an_array_is_named_by_its_path_in_the_file(array: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/b"], file["a/c"] = STACK, STACK[:1]
    np.testing.assert_array_equal(stack_of(tmp_path / "a.h5", array), STACK)


def test_a_dataset_of_nothing_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = h5py.Empty("f")
    with pytest.raises(ScanError, match=r"a.h5: a must hold numbers, got nothing"):
        open_stack(tmp_path / "a.h5", "a")


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_numbers_and_texts_beside_the_only_stack_leave_no_choice(name: str, tmp_path: Path) -> None:
    arrays = {"a": STACK, "ages": np.array([40, 50]), "sites": np.array([[b"x"], [b"y"]])}
    if name == "a.h5":
        with h5py.File(tmp_path / name, "w") as file:
            file.update(arrays)
    else:
        np.savez(tmp_path / name, **arrays)
    np.testing.assert_array_equal(stack_of(tmp_path / name), STACK)


@pytest.mark.parametrize("array", ["", "a"])
def test_an_archive_cut_short_is_told_as_such(array: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=STACK)
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-30])
    with pytest.raises(ScanError, match=r"a.npz must be a complete NumPy file of numbers, got an error"):
        open_stack(tmp_path / "a.npz", array)


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_one_name_for_all_images_may_have_no_axes(name: str, tmp_path: Path) -> None:
    if name == "a.h5":
        with h5py.File(tmp_path / name, "w") as file:
            file["a"], file["subject"] = STACK, "p"
    else:
        np.savez(tmp_path / name, a=STACK, subject=np.array(b"p"))
    with open_stack(tmp_path / name) as stack:
        assert list(stack.whose) == ["p"]
