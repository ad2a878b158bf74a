"""A run from the command line: what it leaves, what it computes again, and what it survives."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

STAGES = ["ingest", "prepare", "calibrate", "reconstruct:tv", "hold_out:tv", "evaluate", "report"]


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def cached(run: dict[str, Any]) -> dict[str, bool]:
    return {stage["name"]: stage["cached"] for stage in run["stages"]}


def test_run_folder_holds_all_a_person_takes_away(proxflow: Any, recipe: Path) -> None:
    code, run, _ = proxflow("run", recipe, "--out", "result")
    assert code == 0
    assert run["status"] == "done"
    assert [stage["name"] for stage in run["stages"]] == STAGES
    assert not any(cached(run).values())
    assert set(run["metrics"]) == {"psnr", "ssim", "nmse", "hfen", "data_residual", "held_out_error"}
    folder = Path(run["run_dir"])
    found = {path.name for path in folder.iterdir()}
    assert found == {
        "image.h5", "report.html", "metrics.json", "metrics.csv", "recipe.yaml", "log.txt", "log.jsonl",
        "previews",
    }  # fmt: skip
    assert yaml.safe_load((folder / "recipe.yaml").read_text())["evaluate"]["held_out_fraction"] == 0.02
    figures = json.loads((folder / "metrics.json").read_text())["methods"]["tv"]["metrics"]
    assert figures["psnr"]["value"] == run["metrics"]["psnr"]
    assert "data range" in figures["psnr"]["convention"]
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert {row["metric"] for row in rows} == set(run["metrics"])
    assert "<html" in (folder / "report.html").read_text()
    assert (folder / "previews" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert "stage reconstruct:tv computed" in (folder / "log.txt").read_text()
    assert image(run).shape == (1, 112, 96)


def test_second_run_computes_nothing_and_gives_the_same(proxflow: Any, recipe: Path) -> None:
    _, first, _ = proxflow("run", recipe)
    _, second, _ = proxflow("run", recipe)
    assert all(cached(second).values())
    assert second["run_dir"] != first["run_dir"]
    assert second["metrics"] == first["metrics"]
    np.testing.assert_array_equal(image(second), image(first))


def test_a_number_of_evaluate_computes_only_from_there(proxflow: Any, recipe: Path) -> None:
    proxflow("run", recipe)
    _, run, _ = proxflow("run", recipe, "--set", "evaluate.region=full")
    assert [name for name, hit in cached(run).items() if not hit] == ["evaluate", "report"]
    _, run, _ = proxflow("run", recipe, "--set", "evaluate.held_out_fraction=0.05")
    assert [name for name, hit in cached(run).items() if not hit] == ["hold_out:tv", "evaluate", "report"]


def test_numerical_source_is_part_of_every_key(
    proxflow: Any, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.tasks import stage

    proxflow("run", recipe)
    monkeypatch.setattr(stage, "source_digest", lambda folders=(): "edited")
    _, run, _ = proxflow("run", recipe)
    assert not any(cached(run).values())


def test_compare_puts_methods_side_by_side(proxflow: Any, recipe: Path) -> None:
    code, run, _ = proxflow("compare", recipe, "--methods", "zero_filled,cg_sense,tv")
    assert code == 0
    assert list(run["methods"]) == ["zero_filled", "cg_sense", "tv"]
    assert len({figures["psnr"] for figures in run["methods"].values()}) == 3
    assert sorted(path.name for path in (Path(run["run_dir"]) / "images").iterdir()) == [
        "cg_sense.h5",
        "tv.h5",
    ]
    _, alone, _ = proxflow("run", recipe)
    assert cached(alone)["reconstruct:tv"]


def test_the_demo_ranks_methods_as_the_literature_does(proxflow: Any, store: Path) -> None:
    """On the measured brain at R = 4: CG-SENSE beats zero filling, TV and wavelets beat CG-SENSE."""
    code, run, _ = proxflow("compare", "mri-brain-poisson4", "--set", f"runtime.store={store}")
    assert code == 0
    psnr = {name: figures["psnr"] for name, figures in run["methods"].items()}
    assert psnr["zero_filled"] < psnr["cg_sense"] < min(psnr["tv"], psnr["l1_wavelet"])


def test_double_precision_is_honoured(proxflow: Any, recipe: Path) -> None:
    _, single, _ = proxflow("run", recipe)
    _, double, _ = proxflow("run", recipe, "--set", "runtime.precision=double")
    assert image(double).dtype == np.complex128
    difference = np.linalg.norm(image(double) - image(single)) / np.linalg.norm(image(single))
    assert 0 < difference < 1e-4


def test_killed_and_run_again_gives_the_same_bits(
    proxflow: Any, spawn: Any, recipe: Path, store: Path
) -> None:
    """SIGKILL inside the reconstruction: earlier stages are found, the solver goes on at its checkpoint."""
    long = ["--set", "reconstruct.n_iter=150", "--set", "evaluate.held_out_fraction=0"]
    often = ["--set", "runtime.checkpoint_seconds=0.05"]
    process = spawn("run", recipe, *long, *often)
    deadline = time.monotonic() + 120
    while not list(store.glob("checkpoints/*/state-0.h5")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(store.glob("checkpoints/*/state-0.h5"))
    _, resumed, _ = proxflow("run", recipe, *long, *often)
    assert [name for name, hit in cached(resumed).items() if hit] == ["ingest", "prepare", "calibrate"]
    assert not list(store.glob("checkpoints/*"))
    other = ["--set", f"runtime.store={store.with_name('other')}", "--set", "runtime.checkpoint_seconds=0"]
    _, whole, _ = proxflow("run", recipe, *long, *other)
    np.testing.assert_array_equal(image(resumed), image(whole))
    assert [s["key"] for s in resumed["stages"][:4]] == [s["key"] for s in whole["stages"][:4]]


@pytest.mark.parametrize("how", [[], pytest.param(["--prefect"], marks=pytest.mark.prefect)])
def test_terminated_leaves_at_once_and_nothing_half_done(
    spawn: Any, recipe: Path, store: Path, how: list[str]
) -> None:
    """SIGTERM, as a batch system sends it, while a solver iterates, in a thread where Prefect runs it."""
    endless = ["--set", "reconstruct.n_iter=100000", "--set", "runtime.checkpoint_seconds=0.05"]
    process = spawn("run", recipe, *endless, *how)
    deadline = time.monotonic() + 120
    while not list(store.glob("checkpoints/*/state-0.h5")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 143, err
    assert json.loads(out.splitlines()[-1])["status"] == "interrupted"
    assert err.count("run the same command again") == 1
    assert "Traceback" not in err
    assert not [*store.glob("artefacts/*/.*"), *store.glob("locks/*")]


def test_two_processes_on_one_recipe_compute_each_stage_once(spawn: Any, recipe: Path) -> None:
    processes = [spawn("run", recipe) for _ in range(2)]
    outputs = [process.communicate(timeout=180) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    runs = [json.loads(out.splitlines()[-1]) for out, _ in outputs]
    for name in STAGES:
        assert sorted(cached(run)[name] for run in runs) == [False, True], name
    np.testing.assert_array_equal(image(runs[0]), image(runs[1]))


@pytest.mark.parametrize("stage", ["ingest", "reconstruct:tv", "report"])
def test_a_broken_artefact_is_computed_again_and_said(
    proxflow: Any, recipe: Path, store: Path, stage: str
) -> None:
    _, first, _ = proxflow("run", recipe)
    key = next(entry["key"] for entry in first["stages"] if entry["name"] == stage)
    path = store / "artefacts" / key[:2] / f"{key}.h5"
    os.truncate(path, path.stat().st_size // 2)
    _, run, err = proxflow("run", recipe)
    assert [name for name, hit in cached(run).items() if not hit] == [stage]
    assert "damaged artefact" in err
    assert "damaged artefact" in (Path(run["run_dir"]) / "log.txt").read_text()
    np.testing.assert_array_equal(image(run), image(first))


def test_divergence_stops_with_the_iteration_and_keeps_the_last_good_image(
    proxflow: Any, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.operators.cartesian_sense import CartesianSense

    normal = CartesianSense.normal
    monkeypatch.setattr(CartesianSense, "normal", lambda self, x: -30 * normal(self, x))
    code, run, err = proxflow("run", recipe, "--out", "result")
    assert code == 1
    assert run["status"] == "failed"
    assert "diverged at iteration" in err
    assert "Traceback" not in err
    kept = Path(err.rsplit("kept in ", 1)[1].strip())
    with h5py.File(kept) as file:
        assert np.isfinite(file["0"][()]).all()
