"""Scans in folders whose names hold ``::`` go from the recipe to the store, links resolved."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.configs.loading import load_recipe
from proxflow.data.samples.catalogue import locate
from proxflow.tasks.new_recipe import write_recipe
from proxflow.tasks.rehearsal import rehearse

PICTURES = np.random.default_rng(0).random((2, 16, 15)).astype(np.float32)
TEXT = """name: a
scan: {kind: image, path: 'PATH'}
prepare: [{kind: blur}]
reconstruct: {method: tv}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine::1"
    made.mkdir()
    return made


@pytest.mark.parametrize("path", ["mine::1/a.npy", "mine::1/a.h5::truth", "link.npy", "link.h5::truth"])
def test_pictures_are_ingested(folder: Path, path: str) -> None:
    np.save(folder / "a.npy", PICTURES)
    with h5py.File(folder / "a.h5", "w") as file:
        file["truth"], file["other"] = PICTURES, PICTURES
    for suffix in ("npy", "h5"):
        (folder.parent / f"link.{suffix}").symlink_to(folder / f"a.{suffix}")
    recipe = folder.parent / "recipe.yaml"
    recipe.write_text(TEXT.replace("PATH", path))
    assert rehearse(load_recipe(recipe)).image_shape == (16, 15)


def test_a_new_recipe_of_another_scan_is_rehearsed(folder: Path) -> None:
    shutil.copy(locate("sample://phantom-2coil"), folder / "scan.h5")
    written = write_recipe(str(folder / "scan.h5"), folder.parent / "recipe.yaml", force=False)
    assert load_recipe(written.path).scan.path == str(folder / "scan.h5")
