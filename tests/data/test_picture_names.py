"""FILE::ARRAY: what is cut, and that names of folders and files may hold ``::``."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.data.picture_names import split_array
from proxflow.data.still_images import matching_sources, read_still_images

PICTURES = np.arange(2 * 11 * 9, dtype=np.float32).reshape(2, 11, 9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name holds ``::``, and in it one file whose name does, too."""
    made = tmp_path / "mine::1"
    made.mkdir()
    np.save(made / "a::b.npy", PICTURES)
    with h5py.File(made / "a.h5", "w") as file:
        file["truth"], file["other"] = PICTURES, PICTURES[:1]
    return made


@pytest.mark.parametrize(
    ("name", "array"),
    [("", ""), ("/a::b.npy", ""), ("/a.h5", ""), ("/a.h5::truth", "truth"), ("/a::b.npy::c", "c")],
)
def test_names_are_cut_where_no_file_has_them(folder: Path, name: str, array: str) -> None:
    place = f"{folder}{name}"
    assert split_array(place) == (place.removesuffix(f"::{array}"), array)


def test_names_that_are_no_files_are_cut() -> None:
    assert split_array("sample://tooth::reference") == ("sample://tooth", "reference")
    assert split_array("x" * 5000 + "::a") == ("x" * 5000, "a")


def test_the_pair_of_bart_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "a::b.cfl").touch()
    assert split_array(f"{tmp_path}/a::b") == (f"{tmp_path}/a::b", "")


def test_scans_in_such_folders_open(folder: Path) -> None:
    with open_scan(folder / "a::b.npy", kind="image") as scan:
        assert scan.info.shape == (2, 11, 9)
    with open_scan(f"{folder / 'a.h5'}::other", kind="image") as scan:
        assert scan.info.shape == (1, 11, 9)
    with open_scan(folder / "a.h5", kind="image", array="other") as scan:
        assert scan.info.shape == (1, 11, 9)
    (folder / "a.h5::other").write_text("in the way")
    with open_scan(folder / "a.h5", kind="image", array="other") as scan:
        assert scan.info.shape == (1, 11, 9)
    with pytest.raises(ScanError, match=r"a::c.npy must be an existing file"):
        open_scan(folder / "a::c.npy", array="")


def test_patterns_match_in_such_folders(folder: Path) -> None:
    assert matching_sources(f"{folder}/*.npy") == [f"{folder}/a::b.npy"]
    assert matching_sources(f"p={folder}/*.h5::truth") == [f"p={folder}/a.h5::truth"]
    assert len(read_still_images(f"p={folder}/a.h5::truth")["p"]) == 2


def test_an_array_asked_of_what_has_none_is_refused(folder: Path) -> None:
    with pytest.raises(ScanError, match=r"reader must be auto or image where an array is named, got numpy"):
        open_scan(f"{folder}/a::b.npy::x", "numpy")
    with pytest.raises(ScanError, match=r"a::b.npy must be an HDF5 or .npz file to hold an array x"):
        open_scan(f"{folder}/a::b.npy::x")
    (folder / "g.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ScanError, match=r"g.png must be an HDF5 or .npz file to hold an array x"):
        read_still_images(f"{folder}/g.png::x")
    with pytest.raises(ScanError, match=r"mine::1 must be an HDF5 or .npz file to hold an array x"):
        open_scan(f"{folder}::x", kind="image")
