"""Recipes: every error at once, each with its line and the nearest valid name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from proxflow.configs.catalogue import FOLDER, recipe_names, recipe_path
from proxflow.configs.errors import RecipeError
from proxflow.configs.loading import dump_recipe, load_recipe, validate_recipe
from proxflow.configs.recipe import Recipe

SMALLEST = "name: a\nscan: {path: a.h5}\nreconstruct: {method: tv}\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def problems(path: Path, *overrides: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    return str(caught.value).splitlines()


def test_all_errors_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """name: bad name!
scan:
  pth: 3
prepare:
  - kind: undersample
    accelaration: 4
  - kind: croop
reconstruct:
  method: tvv
compare:
  - method: tv
    lam: -1
evaluate:
  metrics: [psnr, ssmi]
report: {file: ../../etc/x.html}
runtme: {}
"""
    told = problems(write(tmp_path, text))
    expected = [
        (1, "name must be letters, digits, dots, dashes and underscores"),
        (2, "scan.path must be given"),
        (3, "scan.pth is not a known key; did you mean path?"),
        (6, "prepare[0].accelaration is not a known key; did you mean acceleration?"),
        (7, "prepare[1] must have a known kind, got 'croop'; did you mean crop?"),
        (8, "reconstruct must have a known method, got 'tvv'; did you mean tv?"),
        (12, "compare[0].lam must be greater than or equal to 0, got -1"),
        (14, "evaluate.metrics[1] must be one of psnr,"),
        (15, "report.file must be an .html file name inside the run folder"),
        (16, "runtme is not a known key; did you mean runtime?"),
    ]
    assert len(told) == len(expected)
    for line, (number, sentence) in zip(told, expected, strict=True):
        assert f"line {number}: {sentence}" in line


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must be a mapping of keys to values, got nothing"),
        ("- 1\n", "must be a mapping of keys to values, got list"),
        ("a: [1\n", "line 2: recipe must be valid YAML"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "must be valid YAML: could not determine a constructor",
        ),
        ("a: &x [1, 2]\nb: [*x, *x]\n", "must not use YAML aliases"),
        ("name: a\nname: b\n", "line 2: name stands twice, first on line 1"),
        ("name: a\nscan: {path: a}\nreconstruct: {lam: 1}\n", "line 3: reconstruct must say its 'method'"),
        ("{1: 2}", "must have text as its key"),
        ("a: 1" + 5000 * "0", "must be valid YAML: Exceeds the limit"),
        ("a: " + "[" * 3000, "must be valid YAML"),
    ],
)
def test_unreadable_yaml_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    assert any(sentence in line for line in problems(write(tmp_path, text)))


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ("n_iter: true", "line 4: reconstruct.n_iter must be a number, got true or false"),
        ("lam: false", "line 4: reconstruct.lam must be a number, got true or false"),
        ("n_iter: ten", "reconstruct.n_iter must be a whole number, got 'ten'"),
        ("n_iter: 1.5", "reconstruct.n_iter must be a whole number, got 1.5"),
        ("lam: 1e400", "reconstruct.lam must be a finite number, got inf"),
    ],
)
def test_what_is_no_number_is_refused(tmp_path: Path, numbers: str, told: str) -> None:
    text = f"name: a\nscan: {{path: a}}\nreconstruct:\n  {numbers}\n  method: tv\n"
    assert told in problems(write(tmp_path, text))[0]


def test_a_text_where_a_mapping_belongs_is_said_plainly(tmp_path: Path) -> None:
    told = problems(write(tmp_path, "name: a\nscan: {path: a}\nreconstruct: tv\n"))
    assert told[0].endswith("line 3: reconstruct must be a mapping of keys to values, got 'tv'")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "must be a file, got a pipe or device" in problems(tmp_path / "pipe.yaml")[0]


def test_missing_and_binary_files_are_named(tmp_path: Path) -> None:
    assert "No such file" in problems(tmp_path / "none.yaml")[0]
    (tmp_path / "recipe.yaml").write_bytes(b"\xff\xfe\x00\x01")
    assert "not UTF-8" in problems(tmp_path / "recipe.yaml")[0]


@pytest.mark.parametrize("file", ["/etc/x.html", "a/../../x.html", "..\\x.html", "C:/x.html", "x.txt"])
def test_report_file_never_leaves_the_run_folder(tmp_path: Path, file: str) -> None:
    told = problems(write(tmp_path, SMALLEST), f"report.file={file}")
    assert "report.file must be an .html file name inside the run folder" in told[0]


def test_numbers_are_yaml_1_2(tmp_path: Path) -> None:
    """YAML 1.1 would read the range 2:10 as 130 in base 60, and 1e-3 as a string."""
    path = write(
        tmp_path, SMALLEST.replace("path: a.h5", "path: a.h5, items: 2:10").replace("tv", "tv, lam: 1e-3")
    )
    recipe = load_recipe(path)
    assert recipe.scan.select(20) == list(range(2, 10))
    assert recipe.reconstruct.model_dump()["lam"] == 1e-3


@pytest.mark.parametrize(
    ("items", "n", "chosen"),
    [("all", 3, [0, 1, 2]), ("middle", 5, [2]), ("1:4:2", 9, [1, 3]), ("3", 9, [3]), ("[4, 1]", 5, [4, 1])],
)
def test_items_choose(tmp_path: Path, items: str, n: int, chosen: list[int]) -> None:
    assert load_recipe(write(tmp_path, SMALLEST), [f"scan.items={items}"]).scan.select(n) == chosen


@pytest.mark.parametrize("items", ["-1", "[1, 1]", "some", "1:2:0", "[]", "1:2:3:4"])
def test_items_that_make_no_sense_are_refused(tmp_path: Path, items: str) -> None:
    assert "scan.items" in problems(write(tmp_path, SMALLEST), f"scan.items={items}")[0]


def test_overrides_set_nested_values_and_list_entries(tmp_path: Path) -> None:
    text = SMALLEST + "prepare: [{kind: compress_coils, n_coils: 8}]\n"
    recipe = load_recipe(
        write(tmp_path, text), ["prepare.0.n_coils=4", "evaluate.metrics=[psnr]", "report.title=on"]
    )
    assert recipe.prepare[0].model_dump()["n_coils"] == 4
    assert recipe.evaluate.metrics == ("psnr",)
    assert recipe.report.title == "on"


def test_an_array_is_named_after_its_file(tmp_path: Path) -> None:
    text = """name: a
scan: {kind: image, path: 'a.h5::images/raw'}
prepare: [{kind: blur}]
reconstruct: {method: tv}
"""
    scan = load_recipe(write(tmp_path, text)).scan
    assert (scan.path, scan.array) == (f"{tmp_path / 'a.h5'}::images/raw", None)
    assert validate_recipe(load_recipe(write(tmp_path, text)).model_dump(mode="json")).scan == scan
    found = problems(write(tmp_path, SMALLEST), "scan.array=x")[0]
    assert "scan.array must be left out for scan.kind mri-cartesian, got x" in found


@pytest.mark.parametrize("override", ["nothing", "a..b=1", "prepare.7.n_coils=1", "scan.path.x=1"])
def test_overrides_that_lead_nowhere_are_refused(tmp_path: Path, override: str) -> None:
    assert problems(write(tmp_path, SMALLEST), override)[0].startswith("--set must")


def test_an_overridden_value_is_not_blamed_on_its_old_line(tmp_path: Path) -> None:
    told = problems(write(tmp_path, SMALLEST), "reconstruct.n_iter=0")
    assert "reconstruct.n_iter must be greater than or equal to 1, got 0" in told[0]
    assert "line 3" in told[0]  # of its parent, the nearest line there is


def test_relative_paths_count_from_the_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, SMALLEST))
    assert Path(recipe.scan.path) == tmp_path / "a.h5"


def test_effective_recipe_round_trips(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, SMALLEST))
    assert validate_recipe(yaml.safe_load(dump_recipe(recipe))) == recipe


def test_nan_is_not_a_number(tmp_path: Path) -> None:
    assert (
        "reconstruct.lam must be a finite number"
        in problems(write(tmp_path, SMALLEST), "reconstruct.lam=.nan")[0]
    )


def test_methods_keep_the_numbers_the_recipe_gives_them() -> None:
    recipe = Recipe.model_validate(
        {
            "name": "a",
            "scan": {"path": "a"},
            "reconstruct": {"method": "tv", "lam": 0.5},
            "compare": [{"method": "cg_sense", "n_iter": 7}],
        }
    )
    chosen = recipe.methods(["cg_sense", "l1_wavelet", "tv"])
    assert [config.model_dump().get("n_iter") for config in chosen] == [7, 100, 100]
    assert [config.method for config in recipe.methods()] == ["tv", "cg_sense"]


@pytest.mark.parametrize("name", recipe_names())
def test_ready_recipes_are_valid(name: str) -> None:
    assert load_recipe(FOLDER / f"{name}.yaml").name == name
    assert recipe_path(Path(name)) == FOLDER / f"{name}.yaml"


def test_unknown_ready_recipe_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean mri-brain-poisson4"):
        recipe_path(Path("mri-brain-poison4"))


def test_a_start_from_projections_is_refused_where_there_are_none(tmp_path: Path) -> None:
    text = """name: a
scan: {kind: mri-dynamic, path: a.h5}
reconstruct:
  method: psm
  start: prosep
"""
    (told,) = problems(write(tmp_path, text))
    sentence = "reconstruct.start must be auto, low_rank or polynomial for scan.kind mri-dynamic, got prosep"
    assert f"line 5: {sentence}" in told
    assert (
        load_recipe(write(tmp_path, text.replace("mri-dynamic", "ct-dynamic"))).reconstruct.start == "prosep"
    )


def test_static_refuses_a_constraint_that_its_solver_lacks(tmp_path: Path) -> None:
    text = """name: a
scan: {kind: ct-dynamic, path: a.h5}
reconstruct: {method: static, penalty: tikhonov, nonnegative: true}
"""
    (told,) = problems(write(tmp_path, text))
    assert told.endswith("nonnegative must be false unless penalty is tv, got true with tikhonov")


def test_what_does_not_go_with_the_kind_of_scan_is_told_with_its_line(tmp_path: Path) -> None:
    text = """name: a
scan: {kind: ct, path: a.h5}
prepare:
  - kind: keep_spokes
    n_spokes: 3
calibrate: {kind: espirit}
reconstruct: {method: fbp}
compare:
  - method: kirchhoff
evaluate:
  metrics: [psnr, nrmse_complex]
"""
    told = problems(write(tmp_path, text))
    expected = [
        (4, "prepare[0] must go with scan.kind ct, got keep_spokes, which is for mri-radial"),
        (6, "calibrate must go with scan.kind ct, got espirit, which is for mri-cartesian, mri-radial"),
        (9, "compare[0] must go with scan.kind ct, got kirchhoff, which is for radar"),
        (11, "evaluate.metrics[1] must be a metric of real images for scan.kind ct, got nrmse_complex"),
    ]
    assert len(told) == len(expected)
    for line, (number, sentence) in zip(told, expected, strict=True):
        assert f"line {number}: {sentence}" in line
