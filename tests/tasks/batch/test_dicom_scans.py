"""DICOM files and folders among what is to be reconstructed: what is a scan, and what a part of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxflow.configs.loading import load_recipe
from proxflow.data.open_scan import open_scan
from proxflow.tasks.batch.scan_list import find_scans
from proxflow.tasks.new_recipe import write_recipe
from proxflow.tasks.watch.arrivals import arrivals
from tests.dicom_files import write_dicom

PLANE = np.random.default_rng(1).integers(1, 900, (12, 10)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two series, of three files and of one; a file beside a picture; and one that lies alone."""
    made = tmp_path / "in"
    for name, files in (("many", "abc"), ("one", "a"), ("mixed", "a")):
        (made / name).mkdir(parents=True)
        for file in files:
            write_dicom(made / name / f"{file}.dcm", PLANE)
    (made / "one" / "notes.txt").write_text("of the patient")
    np.save(made / "mixed" / "b.npy", PLANE)
    write_dicom(made / "alone.dcm", PLANE)
    np.save(made / "other.npy", PLANE)
    return made


def names(folder: Path, scans: list[str]) -> list[str]:
    return [Path(scan).relative_to(folder).as_posix() for scan in scans]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", ["alone.dcm", "many", "one", "other.npy"]),
        ("many", ["many"]),
        ("one", ["one"]),
        ("mixed", ["mixed/a.dcm", "mixed/b.npy"]),
        ("alone.dcm", ["alone.dcm"]),
        ("*.dcm", ["alone.dcm"]),
        ("**/*", ["alone.dcm", "many", "mixed/a.dcm", "mixed/b.npy", "one", "other.npy"]),
    ],
)
def test_a_folder_of_dicom_files_is_one_scan(asked: str, found: list[str], folder: Path) -> None:
    assert names(folder, find_scans([str(folder / asked)], "image")) == found


def test_without_the_reader_they_are_previews(folder: Path) -> None:
    assert names(folder, find_scans([str(folder)])) == ["other.npy"]


@pytest.mark.parametrize(
    ("pattern", "found"), [("*", {"alone.dcm", "many", "one", "other.npy"}), ("man*", {"many"})]
)
def test_a_watched_series_is_one_arrival(pattern: str, found: set[str], folder: Path) -> None:
    whole, changing = arrivals(folder, pattern, "image", lambda _: None, 0.0)
    assert ({arrival.name for arrival in whole}, changing) == (found, [])
    (series,) = (arrival for arrival in whole if arrival.name == "many")
    assert [file for file, *_ in series.seen] == [f"many/{name}.dcm" for name in "abc"]


@pytest.mark.parametrize(("name", "n_items"), [("one", 1), ("many", 3), ("alone.dcm", 1)])
def test_inspect_and_new_need_not_be_told_that_they_are_pictures(
    name: str, n_items: int, folder: Path, tmp_path: Path
) -> None:
    with open_scan(folder / name) as scan:
        assert (scan.info.modality, scan.info.shape) == ("image", (n_items, 12, 10))
    written = write_recipe(str(folder / name), tmp_path / "recipe.yaml", force=False)
    assert load_recipe(written.path).scan.kind == "image" and not written.needs
