"""The scan of a recipe as file and array: what its path names, and what its own field does."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from proxflow.configs.recipe import Recipe
from proxflow.configs.scan import ScanConfig
from proxflow.tasks.pipeline import scan_files, stage_configs
from proxflow.tasks.recipe_scan import divided

PICTURES = np.ones((2, 11, 9), np.float32)


def recipe_of(**scan: str) -> Recipe:
    parts = {"scan": {"kind": "image", **scan}, "prepare": [{"kind": "blur"}]}
    return Recipe.model_validate({"name": "a", "reconstruct": {"method": "tv"}} | parts)


@pytest.mark.parametrize(
    ("path", "given", "found"),
    [
        ("a.h5::truth", None, ("a.h5", "truth")),
        ("a.h5::images/raw", None, ("a.h5", "images/raw")),
        ("sample://x::reference", None, ("sample://x", "reference")),
        ("a.h5", "truth", ("a.h5", "truth")),
        ("a::b.h5", "truth", ("a::b.h5", "truth")),  # with the array given, the path is a file's
        ("a.h5", None, ("a.h5", None)),
    ],
)
def test_a_path_is_divided_unless_the_array_is_given(
    path: str, given: str | None, found: tuple[str, str | None]
) -> None:
    scan = divided(ScanConfig(kind="image", path=path, array=given))
    assert (scan.path, scan.array) == found and scan.kind == "image"


@pytest.mark.parametrize("folder", ["plain", "mine::1"])
def test_both_ways_to_name_an_array_are_one_run(folder: str, tmp_path: Path) -> None:
    """The stage is told the array, and which file to digest, alike: its key is one."""
    file = tmp_path / folder / "a.h5"
    file.parent.mkdir()
    with h5py.File(file, "w") as opened:
        opened["truth"], opened["other"] = PICTURES, PICTURES
    named, told = recipe_of(path=f"{file}::truth"), recipe_of(path=str(file), array="truth")
    assert stage_configs(named)["ingest"] == stage_configs(told)["ingest"]
    assert stage_configs(named)["ingest"]["array"] == "truth"
    assert scan_files(named) == scan_files(told) == {"scan": str(file.resolve())}
