"""``proxflow export``: a run's image as other kinds of file."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest

from proxflow.data.kspace import Geometry
from proxflow.data.writers.image_h5 import write_image_h5


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run folder with the image of two slices."""
    rng = np.random.default_rng(3)
    image = (rng.standard_normal((2, 12, 10)) + 1j * rng.standard_normal((2, 12, 10))).astype(np.complex64)
    geometry = Geometry(matrix=(12, 10), field_of_view_mm=(5.0, 240.0, 200.0), slices=(0, 1))
    write_image_h5(tmp_path / "run" / "image.h5", image, geometry=geometry, labels=("a", "b"), attributes={})
    return tmp_path / "run"


@pytest.mark.parametrize("kind", ["nifti", "dicom", "tiff", "png", "apng", "npy"])
def test_export_writes_beside_the_image(cli, run_folder, kind) -> None:
    before = set(run_folder.rglob("*"))
    ended = cli("export", run_folder, "--to", kind, "--json")
    assert ended.code == 0, ended.err
    written = Path(ended.json["path"])
    assert written in set(run_folder.rglob("*")) - before
    assert written.is_dir() or written.stat().st_size > 0


def test_export_nifti_holds_the_magnitude(cli, run_folder, tmp_path) -> None:
    ended = cli("export", run_folder / "image.h5", "--to", "nifti", "--out", tmp_path / "new", "--json")
    path = Path(ended.json["path"])
    assert path.parent == tmp_path / "new"
    with h5py.File(run_folder / "image.h5") as file:
        image = next(dataset[()] for dataset in file.values() if getattr(dataset, "ndim", 0) == 3)
    volume = np.asarray(nibabel.load(path).dataobj)
    np.testing.assert_allclose(volume, np.abs(image).transpose(2, 1, 0), rtol=1e-6)


def test_export_refuses_an_unknown_kind(cli, run_folder) -> None:
    ended = cli("export", run_folder, "--to", "nifty")
    assert ended.code == 2
    assert "nifti" in ended.err


def test_export_refuses_what_is_no_run(cli, run_folder, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.h5").write_text("no image")
    for run, sentence in (
        ("missing", "an existing run folder"),
        ("empty", "a run folder with image.h5"),
        ("text.h5", "text.h5"),
    ):
        ended = cli("export", run, "--to", "png")
        assert ended.code == 2, ended.err
        assert sentence in ended.err
        assert len(ended.err.strip().splitlines()) == 1


def test_export_refuses_a_folder_that_cannot_be_made(cli, run_folder, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    ended = cli("export", run_folder, "--to", "npy", "--out", tmp_path / "file" / "below")
    assert ended.code == 2
    assert "--out must be a folder" in ended.err
