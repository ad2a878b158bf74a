"""``proxflow check``: the same refusals as a run, an estimate, and nothing touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxflow.configs.loading import load_recipe
from proxflow.tasks.estimate import StageEstimate, estimate_run
from proxflow.tasks.rehearsal import rehearse

RECIPE = """\
name: test
scan: {path: scan.h5}
prepare:
  - {kind: undersample, acceleration: 2, acs: [12, 12], seed: 1}
reconstruct: {method: cg_sense, n_iter: 5}
compare: [{method: zero_filled}, {method: tv, n_iter: 5}, {method: l1_wavelet, n_iter: 5, levels: 2}]
"""


def write_recipe(folder: Path, text: str = RECIPE) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_check_estimates_every_stage_and_writes_nothing(cli, make_scan, tmp_path, store) -> None:
    make_scan()
    recipe = write_recipe(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    ended = cli("check", recipe, "--json")
    assert ended.code == 0, ended.err
    names = [stage["name"] for stage in ended.json["stages"]]
    assert names == [
        "ingest", "prepare", "calibrate", "reconstruct:cg_sense", "hold_out:cg_sense", "evaluate", "report",
    ]  # fmt: skip
    assert ended.json["status"] == "done"
    assert ended.json["acceleration"] == pytest.approx(2.0)
    assert ended.json["reference"] == "fully_sampled"
    assert all(stage["seconds"] > 0 and stage["memory_bytes"] > 0 for stage in ended.json["stages"])
    assert not any(stage["cached"] for stage in ended.json["stages"])
    assert sorted(tmp_path.rglob("*")) == before
    assert not store.exists()


def test_check_says_that_it_estimates(cli, make_scan, tmp_path) -> None:
    make_scan()
    ended = cli("check", write_recipe(tmp_path))
    assert ended.code == 0
    assert "An estimate" in ended.out
    assert "Nothing was written" in ended.out


def test_check_finds_what_a_run_left_in_the_store(cli, make_scan, tmp_path, store) -> None:
    make_scan()
    recipe = write_recipe(tmp_path)
    assert cli("run", recipe, "--out", tmp_path / "out").code == 0
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    ended = cli("check", recipe, "--json").json
    assert all(stage["cached"] for stage in ended["stages"])
    assert ended["seconds"] == 0
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before
    changed = cli("check", recipe, "--json", "--set", "evaluate.metrics=[psnr]").json
    assert [stage["name"] for stage in changed["stages"] if not stage["cached"]] == ["evaluate", "report"]


def test_check_compare_has_all_methods(cli, make_scan, tmp_path) -> None:
    make_scan()
    stages = cli("check", write_recipe(tmp_path), "--compare", "--json").json["stages"]
    solved = [stage["name"] for stage in stages if stage["name"].startswith("reconstruct:")]
    assert solved == [f"reconstruct:{name}" for name in ("cg_sense", "zero_filled", "tv", "l1_wavelet")]


def test_estimate_grows_with_coils_and_iterations(make_scan, tmp_path) -> None:
    def solving(n_iter: int) -> StageEstimate:
        recipe = load_recipe(write_recipe(tmp_path), [f"reconstruct.n_iter={n_iter}"])
        stages = estimate_run(recipe, [recipe.reconstruct], rehearse(recipe), "cpu", base_bytes=0)
        return next(stage for stage in stages if stage.label == "reconstruct:cg_sense")

    make_scan(coils=4)
    few = solving(5)
    assert solving(2000).seconds > 10 * few.seconds
    make_scan(coils=16)
    assert solving(5).memory_bytes - few.memory_bytes >= 5 * 12 * 48 * 40 * 8


def test_estimate_counts_the_network_of_a_prior(make_scan, tmp_path) -> None:
    def solving(prior: str, method: str) -> StageEstimate:
        change = f"reconstruct={{method: {method}, prior: {prior}, n_iter: 2}}"
        recipe = load_recipe(write_recipe(tmp_path), [change])
        stages = estimate_run(recipe, [recipe.reconstruct], rehearse(recipe), "cpu", base_bytes=0)
        return next(stage for stage in stages if stage.label == f"reconstruct:{method}")

    make_scan(coils=2)
    free, there = solving("fourier-wiener", "dps"), solving("diffusion-mri", "dds")
    assert there.memory_bytes - free.memory_bytes > 14 << 20  # its weights
    assert solving("diffusion-mri", "dps").memory_bytes > there.memory_bytes  # and the way back


def test_only_images_that_are_delivered_are_charged_a_certificate(make_scan, lpn_file, tmp_path) -> None:
    make_scan(coils=2)
    method = f"reconstruct={{method: lpn, prior: {lpn_file(2)}, n_iter: 1, n_newton: 1000}}"
    recipe = load_recipe(write_recipe(tmp_path), [method, "evaluate.held_out_fraction=0.1"])
    stages = estimate_run(recipe, [recipe.reconstruct], rehearse(recipe), "cpu", base_bytes=0)
    seconds = {stage.label: stage.seconds for stage in stages}
    assert seconds["reconstruct:lpn"] > 5 * seconds["hold_out:lpn"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["scan.items=[3]"], "scan.items must choose from 0 to 0"),
        (["prepare.0={kind: crop, matrix: [64, 64]}"], "crop matrix must fit in 48 x 40, got 64 x 64"),
        (["prepare.0={kind: whiten}"], "whiten must have a noise measurement"),
        (["prepare.0={kind: compress_coils, n_coils: 5}"], "n_coils must be at most 4, got 5"),
        (["prepare.0.acs=[64, 12]"], "undersample acs must fit in 48 x 40"),
        (["prepare.0.acceleration=30"], "prepare undersample: acceleration must"),
        (["calibrate={kind: espirit, acs: [30, 30]}"], "calibrate.acs must be fully sampled"),
        (["calibrate={kind: given, path: maps.npy}"], "maps.npy"),
        (["evaluate.reference=scan"], "evaluate.reference scan must have an image"),
        (["runtime.device=cuda:7"], "runtime.device must be on this machine"),
    ],
)
def test_check_refuses_what_does_not_fit(cli, make_scan, tmp_path, changes, sentence) -> None:
    make_scan()
    settings = [part for change in changes for part in ("--set", change)]
    ended = cli("check", write_recipe(tmp_path), *settings)
    assert ended.code == 2
    assert sentence in ended.err
    assert len(ended.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "change",
    ["prepare.0={kind: whiten}", "calibrate={kind: espirit, acs: [30, 30]}", "evaluate.reference=scan"],
)
def test_check_and_run_refuse_with_the_same_sentence(cli, make_scan, tmp_path, change) -> None:
    make_scan()
    recipe = write_recipe(tmp_path)
    checked = cli("check", recipe, "--set", change)
    ran = cli("run", recipe, "--out", tmp_path / "out", "--set", change)
    assert checked.code == ran.code == 2
    assert checked.err.strip() == ran.err.strip().splitlines()[-1]


def test_check_refuses_a_scan_without_calibration_region(cli, make_scan, tmp_path) -> None:
    make_scan(sampled="no centre")
    recipe = write_recipe(tmp_path, "name: test\nscan: {path: scan.h5}\nreconstruct: {method: cg_sense}\n")
    ended = cli("check", recipe)
    assert ended.code == 2
    assert "give maps with calibrate.kind: given" in ended.err


def test_check_refuses_a_missing_scan_and_a_missing_recipe(cli, tmp_path) -> None:
    assert cli("check", write_recipe(tmp_path)).code == 2
    ended = cli("check", "mri-brain-poison4")
    assert ended.code == 2
    assert "did you mean mri-brain-poisson4?" in ended.err


def test_check_warns_of_a_store_too_small_for_the_run(cli, make_scan, tmp_path) -> None:
    make_scan()
    ended = cli("check", write_recipe(tmp_path), "--set", "runtime.store_limit=10KiB", "--json")
    assert ended.code == 0
    assert "runtime.store_limit" in ended.json["warnings"][0]


def test_check_looks_at_first_middle_and_last_item(cli, make_scan, tmp_path) -> None:
    make_scan(items=5)
    ended = cli("check", write_recipe(tmp_path))
    assert "looked at items 0, 2, 4" in ended.out
