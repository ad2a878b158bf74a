"""``proxflow new`` and ``proxflow inspect`` of CT, radar and radial MRI, as a person meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from proxflow.configs.loading import load_recipe
from proxflow.data.samples.catalogue import SAMPLES, sample_path

Scan = Callable[..., Path]
RUNS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "parallel": ("ct_scan", {"quantity": "counts"}, []),
    "fan": ("ct_scan", {"beam": "fan", "degrees": 360.0}, []),
    "cone": ("ct_scan", {"beam": "cone", "degrees": 360.0}, []),
    "radar": ("radar_scan", {"background": True}, ["image.matrix=[8, 9, 10]", "image.voxel_mm=20"]),
    "flown": ("radar_scan", {"array": "flown"}, ["image.matrix=[1, 12, 12]"]),
    "radial": ("radial_scan", {}, ["reconstruct.n_iter=5"]),
    "series": ("series_scan", {}, ["reconstruct={method: psm, n_functions: 3, n_iter: 3}"]),
}
WRONG: dict[str, tuple[str, Callable[[Path], None]]] = {
    "cut short": ("ct_scan", lambda path: path.write_bytes(path.read_bytes()[:3000]) and None),
    "no scan": ("radar_scan", lambda path: path.write_text("no scan") and None),
}


@pytest.mark.parametrize("kind", RUNS)
def test_new_recipe_runs_as_it_is(cli: Any, request: Any, tmp_path: Path, kind: str) -> None:
    fixture, how, quick = RUNS[kind]
    request.getfixturevalue(fixture)(**how)
    ended = cli("new", "scan.h5", "--out", "recipe.yaml")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("wrote recipe.yaml: proxflow, ")
    assert ended.out.rstrip().endswith("next  proxflow check recipe.yaml")
    settings = [part for change in quick for part in ("--set", change)]
    ran = cli("run", "recipe.yaml", "--out", "out", *settings)
    assert ran.code == 0, ran.err
    assert (tmp_path / "out" / "image.h5").exists()


def test_ball_is_found_by_the_recipe_for_a_cone(cli: Any, ct_scan: Scan, tmp_path: Path) -> None:
    import h5py

    ct_scan("cone", degrees=360.0)
    cli("new", "scan.h5", "--out", "recipe.yaml")
    assert cli("run", "recipe.yaml", "--out", "out").code == 0
    with h5py.File(tmp_path / "out" / "image.h5") as file:
        image = np.squeeze(file["image"][()])
    assert image.shape == (6, 48, 48)
    pixel = 2 / 3  # mm; the ball's middle is (3, -4, 0.5) mm, y up
    row, column = round(23.5 + 4 / pixel), round(23.5 + 3 / pixel)
    assert image[3, row, column] == pytest.approx(0.02, rel=0.1)
    assert abs(image[3, 47 - row, 47 - column]) < 0.004


def test_new_says_what_to_adapt(cli: Any, radar_scan: Scan) -> None:
    radar_scan()
    out = cli("new", "scan.h5", "--out", "recipe.yaml").out
    assert "adapt where the scene is" in out and "adapt the permittivity" in out
    told = cli("new", "scan.h5", "--out", "other.yaml", "--json").json
    assert told["needs"] is None and len(told["choices"]) == 2
    assert told["recipe"].endswith("other.yaml")


def test_new_says_what_is_missing(cli: Any, ct_scan: Scan, tmp_path: Path) -> None:
    ct_scan(quantity="counts", flats=False)
    ended = cli("new", "scan.h5", "--out", "recipe.yaml")
    assert ended.code == 0
    assert "before it runs it needs flat frames" in " ".join(ended.out.split())
    assert load_recipe(tmp_path / "recipe.yaml").prepare
    assert cli("new", "scan.h5", "--out", "again.yaml", "--json").json["needs"].startswith("flat frames")


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", ["new", "inspect"])
def test_broken_scan_is_one_sentence_and_leaves_nothing(
    cli: Any, request: Any, tmp_path: Path, wrong: str, command: str
) -> None:
    fixture, damage = WRONG[wrong]
    damage(request.getfixturevalue(fixture)())
    option = ("--out", "recipe.yaml") if command == "new" else ("--picture", "scan.png")
    ended = cli(command, "scan.h5", *option, "--json")
    assert ended.code == 2
    assert len(ended.err.strip().splitlines()) == 1 and "scan.h5" in ended.err
    assert json.loads(ended.out)["status"] == "bad_input"
    assert [path.name for path in tmp_path.iterdir()] == ["scan.h5"]


@pytest.mark.parametrize("name", ["scan.yaml", "scan.yml", "scan.json"])
def test_new_recipe_does_not_become_a_sidecar(cli: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "scan.mat").write_bytes(sample_path("htc2022-ta").read_bytes())
    ended = cli("new", "scan.mat", "--out", name, "--force")
    assert ended.code == 2 and "would be read as its sidecar" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["scan.mat"]


def test_new_recipe_of_an_hdf5_scan_may_have_its_name(cli: Any, ct_scan: Scan) -> None:
    ct_scan()
    assert cli("new", "scan.h5", "--out", "scan.yaml").code == 0
    assert cli("check", "scan.yaml").code == 0


@pytest.mark.parametrize("sample", SAMPLES)
def test_new_for_every_sample(cli: Any, tmp_path: Path, sample: str) -> None:
    ended = cli("new", f"sample://{sample}", "--out", "recipe.yaml", "--json")
    assert ended.code == 0, ended.err
    values = yaml.safe_load((tmp_path / "recipe.yaml").read_text())
    assert values["scan"]["path"] == f"sample://{sample}"
    assert ended.json["needs"] is None


@pytest.mark.parametrize(
    ("sample", "facts"),
    [
        ("tooth", {"modality": "ct", "beam": "parallel", "column_size_mm": None, "n_flat": 10}),
        ("htc2022-ta", {"modality": "ct", "beam": "fan", "column_size_mm": 0.2, "source_origin_mm": 410.66}),
        ("dynamic-ct-lung", {"modality": "ct-dynamic", "n_frames": 64, "views_per_frame": 1}),
        ("merit-breast-P3", {"modality": "radar", "n_pairs": 96, "arrangement": "around"}),
        ("brain-radial", {"modality": "mri-radial", "straight_spokes": True, "nyquist_spokes": 403}),
    ],
)
def test_inspect_of_measured_samples(cli: Any, sample: str, facts: dict[str, Any]) -> None:
    told = cli("inspect", f"sample://{sample}", "--json").json
    assert {key: told[key] for key in facts} == facts
    if sample == "tooth":
        assert told["axis_column"] == pytest.approx(295.9, abs=0.3)
    if sample == "htc2022-ta":
        assert told["source"]["tube voltage"] == "45 kV"


@pytest.mark.parametrize("fixture", ["ct_scan", "series_scan", "radar_scan", "radial_scan"])
def test_inspect_writes_text_and_picture(cli: Any, request: Any, tmp_path: Path, fixture: str) -> None:
    path = request.getfixturevalue(fixture)()
    ended = cli("inspect", path, "--picture", "scan.png")
    assert ended.code == 0, ended.err
    names = [line.split("  ")[0] for line in ended.out.splitlines() if line[:1].strip()]
    assert len(set(names)) == len(names)  # no two facts of one name
    assert str(path) in ended.out.replace("\n", "").replace(" ", "")
    assert "picture  scan.png" in ended.out
    with Image.open(tmp_path / "scan.png") as picture:
        assert np.asarray(picture).max() == 255
