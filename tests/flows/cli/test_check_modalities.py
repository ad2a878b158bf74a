"""``proxflow check`` of CT, radar and radial MRI: quick, without a trace, and strict."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

COARSE = {
    "ct-tooth": ["image.matrix=[64, 64]", "image.voxel_mm=9"],
    "ct-htc2022-arc90": ["image.matrix=[64, 64]", "image.voxel_mm=1.2"],
    "radar-merit-breast": [],
    "mri-radial-brain24": [],
}
LIMIT_SECONDS = 20.0  # two or three on a machine of its own


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


@pytest.mark.parametrize("recipe", COARSE)
def test_check_is_quick_and_leaves_no_trace(cli, tmp_path: Path, store: Path, recipe: str) -> None:
    began = time.monotonic()
    ended = cli("check", recipe, "--compare", "--json", *settings(*COARSE[recipe]))
    assert ended.code == 0, ended.err
    assert time.monotonic() - began < LIMIT_SECONDS
    assert not store.exists() and not list(tmp_path.iterdir())
    stages = ended.json["stages"]
    assert [stage["name"] for stage in stages][:3] == ["ingest", "prepare", "calibrate"]
    assert all(stage["seconds"] > 0 and stage["memory_bytes"] > 0 for stage in stages)
    assert sum(stage["name"].startswith("hold_out:") for stage in stages) == 3


@pytest.mark.parametrize(
    ("recipe", "change", "sentence"),
    [
        (
            "radar-merit-breast",
            "reconstruct={method: fbp}",
            "reconstruct must go with scan.kind radar, got fbp",
        ),
        (
            "radar-merit-breast",
            "calibrate={kind: rotation}",
            "calibrate must go with scan.kind radar, got rot",
        ),
        ("radar-merit-breast", "image={}", "image must give matrix (z, y, x) and voxel_mm for radar"),
        ("radar-merit-breast", "runtime.memory=1KiB", "runtime.memory must be at least 1MiB"),
        ("radar-merit-breast", "evaluate.reference=fully_sampled", "evaluate.reference fully_sampled must"),
        (
            "ct-tooth",
            "reconstruct={method: kirchhoff}",
            "reconstruct must go with scan.kind ct, got kirchhoff",
        ),
        ("ct-tooth", "calibrate={kind: medium}", "calibrate must go with scan.kind ct, got medium"),
        (
            "ct-tooth",
            "prepare=[{kind: keep_spokes, n_spokes: 3}]",
            "prepare[0] must go with scan.kind ct, got keep",
        ),
        ("ct-tooth", "reconstruct={method: fdk}", "fdk must be of a cone beam, got parallel"),
        ("ct-tooth", "prepare=[]", "prepare must end in attenuation, got counts; add the step flat_field"),
        ("ct-tooth", "calibrate.axis_column=640", "calibrate.axis_column must lie on the detector, 0 to 639"),
        ("ct-tooth", "scan.items=[2]", "scan.items must choose from 0 to 1"),
        ("ct-htc2022-full", "image.voxel_mm=2", "calibrate: source_origin_mm must be above"),
        ("ct-htc2022-full", "prepare=[{kind: flat_field}]", "prepare flat_field must be of counts, got att"),
        ("mri-radial-brain", "image.matrix=[8, 8, 8]", "image.matrix must be (y, x) for mri-radial"),
        ("mri-radial-brain", "prepare=[{kind: keep_angles}]", "prepare[0] must go with scan.kind mri-radial"),
        (
            "mri-radial-brain",
            "reconstruct={method: zero_filled}",
            "reconstruct must go with scan.kind mri-radial",
        ),
    ],
)
def test_check_refuses_misfits_in_one_sentence(
    cli, tmp_path: Path, store: Path, recipe: str, change: str, sentence: str
) -> None:
    ended = cli("check", recipe, *settings(*COARSE.get(recipe, []), change))
    assert ended.code == 2
    assert sentence in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert not store.exists() and not list(tmp_path.iterdir())


def test_a_matrix_beyond_the_memory_is_refused(cli) -> None:
    changes = ("calibrate.backend=matrix", "runtime.memory=1MiB", "image.matrix=[64, 64]", "image.voxel_mm=9")
    ended = cli("check", "ct-tooth", *settings(*changes))
    assert ended.code == 2
    assert "calibrate: runtime.memory must be at least" in ended.err


def test_a_recipe_for_another_kind_of_scan_is_refused(cli, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: wrong\nscan: {kind: ct, path: 'sample://merit-breast-P3'}\nreconstruct: {method: fbp}\n"
    )
    ended = cli("check", recipe)
    assert ended.code == 2
    assert "scan.kind must be radar, which merit-breast-P3.h5 holds, got ct" in ended.err


@pytest.mark.slow
def test_methods_for_series_take_about_what_is_estimated(cli, series_scan, tmp_path: Path) -> None:
    """Both runs' iterations at most; the time of a computation also holds what the machine does beside it."""
    scan = series_scan()
    method = "{method: red_psm, n_iter: 4, patience: 4, n_functions: 3, n_knots: 4, tol: 0}"
    recipe = tmp_path / "series.yaml"
    recipe.write_text(
        f"name: series\nscan: {{kind: ct-dynamic, path: {scan}}}\nreconstruct: {method}\n"
        "evaluate: {held_out_fraction: 0}\nruntime: {device: cpu}\n"
    )
    checked = {stage["name"]: stage["seconds"] for stage in cli("check", recipe, "--json").json["stages"]}
    ended = cli("run", recipe, "--json", "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    took = {stage["name"]: stage["seconds"] for stage in ended.json["stages"]}
    assert took["reconstruct:red_psm"] / 4 < checked["reconstruct:red_psm"] < 8 * took["reconstruct:red_psm"]
