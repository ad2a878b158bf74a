"""Figures come with the warnings a reader needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

INGEST = {"kind": "mri-cartesian", "reader": "auto", "items": "all"}
UNDERSAMPLE = {"kind": "undersample", "acceleration": 3, "acs": [12, 12], "seed": 0}


def notes(run_stage: Any, scan_file: Path, method: dict[str, Any]) -> list[str]:
    scan, _ = run_stage("ingest", INGEST, scan=scan_file)
    prepared, _ = run_stage("prepare", {"steps": [UNDERSAMPLE]}, {"scan": scan})
    maps, _ = run_stage("calibrate", {"kind": "espirit", "crop": 0.0}, {"prepared": prepared})
    inputs = {"prepared": prepared, "calibrated": maps}
    task = {"method": method, "precision": "single"}
    image, _ = run_stage("reconstruct", task, inputs)
    twin, _ = run_stage("hold_out", {**task, "fraction": 0.05, "seed": 0}, inputs)
    judged = {**inputs, "image:cg_sense": image, "hold_out:cg_sense": twin}
    _, figures = run_stage("evaluate", {"evaluate": {}, "methods": ["cg_sense"]}, judged)
    return [note for note in figures.document("judging")["notes"] if note.startswith("Caution")]


@pytest.mark.parametrize(("n_iter", "said"), [(2, True), (500, False)])
def test_a_method_that_has_not_converged_is_named(
    run_stage: Any, scan_file: Path, n_iter: int, said: bool
) -> None:
    method = {"method": "cg_sense", "n_iter": n_iter, "lam": 0.1, "tol": 1e-5}
    found = [note for note in notes(run_stage, scan_file, method) if "stopped at its limit" in note]
    assert bool(found) == said, json.dumps(found)
    assert all("cg_sense stopped at its limit of 2 iterations in 2 of 2 items" in note for note in found)


def test_predicting_noise_worse_than_zeros_is_said(run_stage: Any, scan_file: Path) -> None:
    """The scan is noise alone: unregularised least squares predicts nothing of what it has not seen."""
    method = {"method": "cg_sense", "n_iter": 200, "lam": 0.0, "tol": 1e-5}
    found = [note for note in notes(run_stage, scan_file, method) if "worse than zeros" in note]
    assert len(found) == 1
