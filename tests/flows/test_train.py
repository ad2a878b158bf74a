"""Training from the command line, on the shipped brain: what it chooses, what it leaves, what it survives."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import torch
import yaml

from proxflow.configs.loading import load_recipe
from proxflow.data.store.artefact import Artefact
from proxflow.models.methods.tv import tv
from proxflow.operators.cartesian_sense import CartesianSense

QUICK = ("--seeds", "2", "--fraction", "0.1")


@pytest.fixture
def recipe(recipe: Path) -> Path:
    """A smaller scan: it is reconstructed some twenty times."""
    text = recipe.read_text()
    recipe.write_text(text.replace("[112, 96]", "[64, 56]").replace("n_iter: 12", "n_iter: 8"))
    return recipe


def artefacts(store: Path, stage: str) -> list[Path]:
    found = []
    for path in sorted(store.glob("artefacts/??/*.h5")):
        with Artefact(path) as artefact:
            if artefact.provenance["stage"] == stage:
                found.append(path)
    return found


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "training.csv").read_text().splitlines()))


def test_the_chosen_weight_has_the_smallest_error_by_another_computation(
    proxflow: Any, recipe: Path, store: Path, tmp_path: Path
) -> None:
    """Every error is computed again from the samples, coil maps and held-out positions alone."""
    code, run, err = proxflow("train", recipe, "--methods", "tv", *QUICK, "--out", "trained")
    assert code == 0, err
    numbers = load_recipe(recipe).reconstruct
    with Artefact(artefacts(store, "prepare")[0]) as prepared:
        samples, mask = (torch.from_numpy(prepared.array(name)[0]) for name in ("samples", "mask"))
    with Artefact(artefacts(store, "calibrate")[0]) as calibrated:
        maps = torch.from_numpy(calibrated.array("maps")[0])
    again: dict[float, list[float]] = {}
    for path in artefacts(store, "hold_out"):
        with Artefact(path) as artefact:
            held = torch.from_numpy(artefact.array("held_out")[0])
            lam = artefact.provenance["config"]["method"]["lam"]
        given = CartesianSense(mask & ~held, maps)
        scale = float(given.adjoint(samples).abs().max())
        image = (
            tv(given, samples * (mask & ~held) / scale, lam=lam, n_iter=numbers.n_iter, tol=0).image * scale
        )
        y = samples * held
        missed = torch.linalg.vector_norm(CartesianSense(held, maps).forward(image) - y)
        again.setdefault(lam, []).append(float(missed / torch.linalg.vector_norm(y)))
    ours: dict[float, list[float]] = {}
    for row in rows(tmp_path / "trained"):
        ours.setdefault(float(row["value"]), []).append(float(row["error"]))
    assert {lam: pytest.approx(sorted(errors), rel=1e-4) for lam, errors in again.items()} == {
        lam: sorted(errors) for lam, errors in ours.items()
    }
    assert run["methods"]["tv"]["lam"] == min(again, key=lambda lam: mean(again[lam]))
    assert len(ours) >= 10
    assert numbers.lam in ours  # the recipe's own value is among them


def test_the_folder_holds_a_recipe_that_runs(proxflow: Any, recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text().replace("lam: 0.003}", "lam: 0.003} # my weight"))
    code, run, err = proxflow("train", recipe, *QUICK, "--methods", "tv,l1_wavelet", "--out", "trained")
    assert code == 0, err
    folder = tmp_path / "trained"
    assert {path.name for path in folder.iterdir()} == {
        "recipe.yaml", "training.json", "training.csv", "report.html", "log.txt", "log.jsonl"
    }  # fmt: skip
    text = (folder / "recipe.yaml").read_text()
    assert "# my weight" in text
    trained, before = load_recipe(folder / "recipe.yaml"), load_recipe(recipe)
    assert trained.reconstruct.lam == run["methods"]["tv"]["lam"]
    assert [config.method for config in trained.compare] == ["l1_wavelet", "cg_sense"]
    assert trained.compare[0].lam == run["methods"]["l1_wavelet"]["lam"]
    assert trained.compare[1] == before.compare[0]  # was not trained
    assert trained.prepare == before.prepare
    assert trained.reconstruct.n_iter == before.reconstruct.n_iter
    document = json.loads((folder / "training.json").read_text())
    for name, found in document["methods"].items():
        errors = {one["value"]: one["error"] for one in found["candidates"]}
        assert found["error"] == min(errors.values()) == errors[found["chosen"]]
        assert found["error_before"] == errors[found["before"]]
        assert run["methods"][name]["error"] == found["error"]
    page = (folder / "report.html").read_text()
    assert page.count('<svg class="plot" viewBox="0 0 560') == 2
    assert "http" not in page.replace("http-equiv", "")  # nothing is loaded from anywhere
    code, _, err = proxflow("run", folder / "recipe.yaml")
    assert code == 0, err


def test_changes_of_the_command_line_are_in_the_recipe_written(
    proxflow: Any, recipe: Path, tmp_path: Path
) -> None:
    code, run, _ = proxflow("train", recipe, *QUICK, "--set", "prepare.2.acceleration=2", "--out", "trained")
    assert code == 0
    trained = load_recipe(tmp_path / "trained" / "recipe.yaml")
    assert (
        yaml.safe_load((tmp_path / "trained" / "recipe.yaml").read_text())["prepare"][2]["acceleration"] == 2
    )
    assert trained.reconstruct.lam == run["methods"]["tv"]["lam"]


def test_several_scans_count_alike(proxflow: Any, recipe: Path, tmp_path: Path) -> None:
    from proxflow.data.samples.catalogue import sample_path

    copy = tmp_path / "copy.h5"
    copy.write_bytes(sample_path("brain-13coil").read_bytes())
    code, _, err = proxflow(
        "train", recipe, "sample://brain-13coil", copy, "--methods", "tv", *QUICK, "--out", "trained"
    )
    assert code == 0, err
    by_scan: dict[str, list[str]] = {}
    for row in rows(tmp_path / "trained"):
        by_scan.setdefault(row["scan"], []).append(row["error"])
    assert set(by_scan) == {"brain-13coil", "copy.h5"}
    assert by_scan["brain-13coil"] == by_scan["copy.h5"]


def test_killed_and_run_again_computes_only_what_is_missing(
    proxflow: Any, spawn: Any, recipe: Path, store: Path
) -> None:
    arguments = ("train", recipe, "--methods", "tv", *QUICK)
    process = spawn(*arguments)
    deadline = time.monotonic() + 120
    while len(list(store.glob("artefacts/??/*.h5"))) < 8:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = len(list(store.glob("artefacts/??/*.h5")))
    code, resumed, err = proxflow(*arguments)
    assert code == 0, err
    assert resumed["cached"] == left < resumed["stages"]
    other = ("--set", f"runtime.store={store.with_name('other')}")
    _, whole, _ = proxflow(*arguments, *other)
    assert whole["cached"] == 0
    assert whole["methods"] == resumed["methods"]
    code, again, _ = proxflow(*arguments)
    assert again["cached"] == again["stages"]


def test_workers_choose_the_same(proxflow: Any, recipe: Path, store: Path) -> None:
    _, alone, _ = proxflow("train", recipe, "--methods", "tv", *QUICK)
    others = ("--set", "runtime.workers=2", "--set", f"runtime.store={store.with_name('other')}")
    code, spread, err = proxflow("train", recipe, "--methods", "tv", *QUICK, *others)
    assert code == 0, err
    assert spread["cached"] == 0
    assert spread["methods"] == alone["methods"]


HAVING = "for scan.kind mri-cartesian these have: cg_sense, tv, l1_wavelet"
REFUSED = {
    "no number": (("--methods", "zero_filled"), f"got zero_filled; {HAVING}"),
    "other kind": (("--methods", "sirt"), f"got sirt; {HAVING}"),
    "unknown": (("--methods", "tvv"), "got 'tvv'; did you mean tv?"),
    "none named": (("--methods", ","), "--methods must name at least one method"),
    "recipe has none": (("--set", "reconstruct={method: zero_filled}", "--set", "compare=[]"), HAVING),
    "fraction": (("--fraction", "0.6"), "fraction must be above 0, at most 0.5, got 0.6"),
    "seeds": (("--seeds", "0"), "seeds must be a whole number from 1 to 100, got 0"),
    "scan": (("nowhere.h5",), "nowhere.h5"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_requests_are_one_sentence(
    proxflow: Any, recipe: Path, store: Path, tmp_path: Path, case: str
) -> None:
    arguments, words = REFUSED[case]
    code, run, err = proxflow("train", recipe, *arguments, "--out", "trained")
    assert code == 2
    assert run["status"] == "bad_input"
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "trained").exists()
    assert not list(store.glob("artefacts/??/*"))
