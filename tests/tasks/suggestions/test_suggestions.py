"""Recipes suggested for every kind of scan load, fit, are commented and say what a person must choose."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest

from proxflow.configs.loading import load_recipe
from proxflow.configs.recipe import Recipe
from proxflow.tasks.errors import RequestError
from proxflow.tasks.new_recipe import WrittenRecipe, write_recipe
from proxflow.tasks.rehearsal import rehearse

WIDEST = 120  # characters of a line that a person reads; paths may be longer
SECTIONS = ("scan:", "evaluate:", "report:", "runtime:", "compare:", "calibrate:", "image:", "prepare:")


class Case(NamedTuple):
    """A scan, and what its recipe must come to."""

    fixture: str
    how: dict[str, Any]
    steps: list[str]
    method: str
    compared: list[str]
    needs: str = ""
    choices: tuple[str, ...] = ()


WHERE, MEDIUM = "where the scene is", "permittivity"
CASES = {
    "parallel attenuation": Case("ct_scan", {}, [], "fbp", ["sirt", "tv"]),
    "fan": Case("ct_scan", {"beam": "fan", "degrees": 360.0}, [], "fbp", ["sirt", "tv"]),
    "arc of a fan": Case("ct_scan", {"beam": "fan", "degrees": 90.0}, [], "tv", ["fbp", "sirt"]),
    "cone": Case("ct_scan", {"beam": "cone", "degrees": 360.0}, [], "fdk", ["sirt", "tv"]),
    "transmission": Case("ct_scan", {"quantity": "transmission"}, ["minus_log"], "fbp", ["sirt", "tv"]),
    "counts without sizes": Case(
        "ct_scan",
        {"quantity": "counts", "sized": False, "axis_column": 21.0},
        ["remove_zingers", "flat_field", "reduce_rings"],
        "fbp",
        ["sirt", "tv"],
    ),
    "series": Case("series_scan", {"axis_column": 11.0}, [], "red_psm", ["psm", "static", "framewise_tv"]),
    "series without sizes": Case(
        "series_scan",
        {"frames": 8, "sized": False, "reference": False},
        [],
        "red_psm",
        ["psm", "static", "framewise_tv"],
        choices=("calibrate.axis_column",),
    ),
    "planar array": Case(
        "radar_scan", {}, [], "back_projection", ["kirchhoff", "l1"], choices=(WHERE, MEDIUM)
    ),
    "planar array across x": Case(
        "radar_scan", {"array": "plane-x"}, [], "back_projection", ["l1"], choices=(WHERE, MEDIUM)
    ),
    "array not in a plane": Case(
        "radar_scan", {"array": "thick"}, [], "back_projection", ["l1"], choices=(WHERE, MEDIUM)
    ),
    "ring with background": Case(
        "radar_scan",
        {"array": "ring", "background": True, "frequencies": 201},
        ["subtract_background", "keep_frequencies"],
        "back_projection",
        ["l1"],
        choices=(WHERE, MEDIUM),
    ),
    "flown past": Case("radar_scan", {"array": "flown"}, [], "back_projection", ["l1"], choices=(WHERE,)),
    "spokes": Case("radial_scan", {}, [], "tv", ["gridding", "cg_sense"]),
    "spokes and noise": Case("radial_scan", {"noise": True}, ["whiten"], "tv", ["gridding", "cg_sense"]),
    "spokes of many coils": Case(
        "radial_scan", {"coils": 18}, ["compress_coils"], "tv", ["gridding", "cg_sense"]
    ),
    "picture": Case(
        "picture_file", {}, ["blur"], "tv", ["cgls", "l1_wavelet"], choices=("how the picture was blurred",)
    ),
    "bent readouts": Case("radial_scan", {"bent": True}, [], "tv", ["gridding", "cg_sense"]),
}
NEEDY = {
    "counts alone": (
        "ct_scan",
        {"quantity": "counts", "flats": False},
        "flat frames",
        "calibrate.axis_column",
    ),
    "few spokes": ("radial_scan", {"spokes": 7}, "coil sensitivity maps", ""),
}


def written(request: pytest.FixtureRequest, folder: Path, fixture: str, how: dict[str, Any]) -> WrittenRecipe:
    scan = request.getfixturevalue(fixture)(**how)
    return write_recipe(str(scan), folder / "recipe.yaml", force=False)


def unexplained(text: str) -> list[str]:
    """Lines with a value that neither they nor the line above explain."""
    lines = text.splitlines()
    return [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if line.strip()
        and not line.startswith(SECTIONS)
        and "#" not in line
        and not above.lstrip().startswith("#")
    ]


def recipe_of(case: Case, request: pytest.FixtureRequest, folder: Path) -> tuple[Recipe, WrittenRecipe]:
    made = written(request, folder, case.fixture, case.how)
    return load_recipe(made.path), made


@pytest.mark.parametrize("name", CASES)
def test_recipe_loads_and_fits_its_scan(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    recipe, made = recipe_of(case, request, tmp_path)
    assert [step.kind for step in recipe.prepare] == case.steps
    assert [method.method for method in recipe.methods()] == [case.method, *case.compared]
    assert made.needs == ""
    assert len(made.choices) == len(case.choices)
    for told, expected in zip(made.choices, case.choices, strict=True):
        assert expected in told
    assert rehearse(recipe).n_items == 1
    assert not list(tmp_path.glob(".*"))  # nothing temporary is left


@pytest.mark.parametrize(("name", "reader"), [("a.h5::truth", "auto"), ("a.npy", "image")])
def test_recipe_of_a_named_array_and_a_named_reader(tmp_path: Path, name: str, reader: str) -> None:
    pictures = np.random.default_rng(0).uniform(1, 2, (2, 12, 10)).astype(np.float32)
    np.save(tmp_path / "a.npy", pictures)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["truth"], file["other"] = pictures, pictures
    made = write_recipe(str(tmp_path / name), tmp_path / "recipe.yaml", force=False, reader=reader)
    assert f'path: "{name}"' in made.path.read_text()
    scan = load_recipe(made.path).scan
    assert (scan.reader, scan.path) == (reader, str(tmp_path / name))


@pytest.mark.parametrize("name", CASES)
def test_every_value_is_explained_in_lines_that_fit(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    _, made = recipe_of(CASES[name], request, tmp_path)
    text = made.path.read_text()
    assert unexplained(text) == []
    assert [line for line in text.splitlines() if len(line) > WIDEST] == []
    for said in made.choices:
        key = "image" if "(image)" in said else said.rpartition(".")[2].rstrip(")")
        marked = [line for line in text.splitlines() if line.lstrip().startswith(f"{key}:")]
        assert len(marked) == 1 and "adapt it" in marked[0]


@pytest.mark.parametrize("name", NEEDY)
def test_what_is_missing_is_said(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    fixture, how, needs, choice = NEEDY[name]
    made = written(request, tmp_path, fixture, how)
    assert needs in made.needs
    assert choice in " ".join(made.choices)
    load_recipe(made.path)


def test_spokes_that_all_calibrate_are_not_held_out(radial_scan: Any, tmp_path: Path) -> None:
    made = write_recipe(str(radial_scan(n=24)), tmp_path / "recipe.yaml", force=False)
    recipe = load_recipe(made.path)
    assert recipe.evaluate.held_out_fraction == 0
    again = load_recipe(made.path, ["evaluate.held_out_fraction=0.1"])
    with pytest.raises(RequestError, match="must be 0 where no sample lies outside the calibration region"):
        rehearse(again)


def test_bent_readouts_get_weights_by_iteration(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    recipe, _ = recipe_of(CASES["bent readouts"], request, tmp_path)
    gridding = next(method for method in recipe.methods() if method.method == "gridding")
    assert gridding.density == "pipe_menon"  # type: ignore[union-attr]


def test_box_of_voxels_holds_what_the_antennas_see(radar_scan: Any, tmp_path: Path) -> None:
    boxes = {}
    for array in ("plane-z", "plane-x", "ring", "flown"):
        made = write_recipe(str(radar_scan(array)), tmp_path / f"{array}.yaml", force=False)
        boxes[array] = load_recipe(made.path).image
    depth = {array: box.centre_mm for array, box in boxes.items()}
    assert depth["plane-z"] == pytest.approx((200, 0, 0))  # (z, y, x): its size of 0.2 m in front of it
    assert depth["plane-x"] == pytest.approx((0, 0, 200))
    assert depth["ring"] == pytest.approx((250, 0, 0))
    ring = boxes["ring"]
    assert (
        ring.matrix[0] == 1 and 400 < ring.matrix[1] * ring.voxel_mm[0] < 600
    )  # inside a diameter of 600 mm
    ground = boxes["flown"]
    assert ground.matrix[0] == 1 and ground.centre_mm == (0, 0, 0)
    assert ground.voxel_mm[0] == pytest.approx(
        0.299792458 / (2 * 0.2) * 2**0.5 * 1e3, rel=1e-3
    )  # c/2B on the ground


def test_frequencies_kept_tell_the_whole_box_apart(radar_scan: Any, tmp_path: Path) -> None:
    made = write_recipe(str(radar_scan("ring", frequencies=201)), tmp_path / "r.yaml", force=False)
    recipe = load_recipe(made.path)
    step = next(step for step in recipe.prepare if step.kind == "keep_frequencies")
    apart_hz = 4e9 / (step.n_frequencies - 1)  # type: ignore[union-attr]
    diagonal = float(sum((n * recipe.image.voxel_mm[0] / 1e3) ** 2 for n in recipe.image.matrix) ** 0.5)
    assert 299_792_458.0 / (2 * apart_hz) > diagonal * 3  # also where permittivity is 9


def test_sizes_that_the_file_does_not_tell_are_said_to_be_guesses(ct_scan: Any, tmp_path: Path) -> None:
    made = write_recipe(str(ct_scan(sized=False)), tmp_path / "recipe.yaml", force=False)
    assert "the file tells no sizes, each counts as 1 mm" in made.path.read_text()
    assert load_recipe(made.path).image.voxel_mm == (1,)


def test_one_of_several_items_is_taken_first(ct_scan: Any, tmp_path: Path) -> None:
    made = write_recipe(str(ct_scan(items=3)), tmp_path / "recipe.yaml", force=False)
    assert load_recipe(made.path).scan.items == "middle"
    assert "# of 0 to 2" in made.path.read_text()
