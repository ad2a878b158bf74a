"""``proxflow new``: recipes that load, fit and run."""

from __future__ import annotations

import pytest
import yaml

from proxflow.configs.loading import load_recipe

KINDS = {
    "fully sampled": ({}, ["undersample"], "espirit", "auto"),
    "undersampled": ({"sampled": "lines"}, [], "espirit", "none"),
    "noise scan": ({"noise": True}, ["whiten", "undersample"], "espirit", "auto"),
    "many coils": ({"coils": 18}, ["compress_coils", "undersample"], "espirit", "auto"),
    "single coil": ({"coils": 1}, ["undersample"], "espirit", "auto"),
    "reference": ({"sampled": "lines", "reference": True}, [], "espirit", "scan"),
    "several items": ({"items": 3}, ["undersample"], "espirit", "auto"),
    "no centre": ({"sampled": "no centre"}, [], "given", "none"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_new_recipe_fits_the_scan(cli, make_scan, tmp_path, kind) -> None:
    facts, steps, calibration, reference = KINDS[kind]
    make_scan(**facts)
    ended = cli("new", tmp_path / "scan.h5", "--out", "recipe.yaml", "--json")
    assert ended.code == 0, ended.err
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert [step.kind for step in recipe.prepare] == steps
    assert recipe.calibrate.kind == calibration
    assert recipe.evaluate.reference == reference
    assert recipe.scan.items == ("middle" if facts.get("items") else "all")
    assert (ended.json["needs"] is None) == (calibration != "given")


@pytest.mark.parametrize("kind", ["fully sampled", "undersampled", "noise scan", "single coil", "reference"])
def test_new_recipe_runs_as_it_is(cli, make_scan, tmp_path, kind) -> None:
    make_scan(**KINDS[kind][0])
    assert cli("new", "scan.h5", "--out", "recipe.yaml").code == 0
    ended = cli("run", "recipe.yaml", "--out", "out", "--set", "reconstruct.n_iter=5")
    assert ended.code == 0, ended.err
    assert (tmp_path / "out" / "image.h5").exists()


def test_new_recipe_explains_every_key(cli, make_scan, tmp_path) -> None:
    make_scan(noise=True, coils=18)
    cli("new", "scan.h5", "--out", "recipe.yaml")
    lines = (tmp_path / "recipe.yaml").read_text().splitlines()
    above = dict(zip(lines[1:], lines, strict=False))
    keys = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    silent = [line for line in keys if "#" not in line and not above[line].lstrip().startswith("#")]
    parts = ("report:", "runtime:", "scan:", "evaluate:")
    assert [line for line in silent if not line.startswith(parts)] == ["    n_iter: 30"]


def test_new_names_the_scan_relative_to_the_recipe_where_it_lies_below(cli, make_scan, tmp_path) -> None:
    scan = make_scan("data.d/my scan (1).h5") if (tmp_path / "data.d").mkdir() is None else None
    cli("new", scan, "--out", tmp_path / "recipe.yaml")
    values = yaml.safe_load((tmp_path / "recipe.yaml").read_text())
    assert values["scan"]["path"] == "data.d/my scan (1).h5"
    assert values["name"] == "my-scan-1"
    cli("new", scan, "--out", tmp_path / "elsewhere" / "recipe.yaml")
    values = yaml.safe_load((tmp_path / "elsewhere" / "recipe.yaml").read_text())
    assert values["scan"]["path"] == str(scan)
    assert cli("check", tmp_path / "elsewhere" / "recipe.yaml").code == 0


def test_new_keeps_a_sample_by_name(cli, tmp_path) -> None:
    cli("new", "sample://brain-13coil", "--out", "recipe.yaml")
    assert yaml.safe_load((tmp_path / "recipe.yaml").read_text())["scan"]["path"] == "sample://brain-13coil"


def test_new_overwrites_only_when_forced(cli, make_scan, tmp_path) -> None:
    make_scan()
    (tmp_path / "recipe.yaml").write_text("mine")
    ended = cli("new", "scan.h5", "--out", "recipe.yaml")
    assert ended.code == 2 and "--force" in ended.err
    assert (tmp_path / "recipe.yaml").read_text() == "mine"
    assert cli("new", "scan.h5", "--out", "recipe.yaml", "--force").code == 0
    assert load_recipe(tmp_path / "recipe.yaml").name == "scan"


def test_new_for_no_scan_writes_nothing(cli, tmp_path) -> None:
    assert cli("new", "missing.h5", "--out", "recipe.yaml").code == 2
    assert not any(tmp_path.iterdir())
