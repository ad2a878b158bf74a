"""Preparation of pictures: what is simulated, noise that the seed and the item decide, what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proxflow.operators.circulant_sensing import CirculantSensing
from proxflow.operators.gaussian_blur import GaussianBlur
from proxflow.tasks.errors import RequestError

PICTURES = np.random.default_rng(2).uniform(1, 5, (3, 14, 11)).astype(np.float32)
QUIET = {"kind": "blur", "sigma": 1.5, "noise": 0}
OPERATORS = {
    "blur": lambda: GaussianBlur((14, 11), 1.5),
    "circulant_sensing": lambda: CirculantSensing((14, 11), 38, seed=4),
}
STEPS = {"blur": QUIET, "circulant_sensing": {"kind": "circulant_sensing", "ratio": 4, "noise": 0, "seed": 4}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "pictures.npy", PICTURES)
    return tmp_path / "pictures.npy"


@pytest.mark.parametrize("kind", STEPS)
def test_measurements_are_those_of_the_operator(prepared: Any, path: Path, kind: str) -> None:
    _, _, done = prepared("image", path, STEPS[kind])
    wanted = OPERATORS[kind]().forward(torch.from_numpy(PICTURES.astype(np.float64))).numpy()
    np.testing.assert_array_equal(done.array("samples"), wanted.astype(np.float32))
    np.testing.assert_array_equal(done.array("reference"), PICTURES)
    assert done.array("mask").all() and done.shape("mask") == wanted.shape[1:]
    document = done.document("scan")
    assert document["noise_std"] == [0, 0, 0] and document["retrospective"]
    assert document["acceleration"] == (4 if kind == "circulant_sensing" else None)


def test_noise_is_relative_to_the_peak_and_decided_by_seed_and_item(
    prepared: Any, run_stage: Any, path: Path
) -> None:
    clean = prepared("image", path, QUIET)[2].array("samples")
    noisy = QUIET | {"noise": 0.1}
    _, _, first = prepared("image", path, noisy)
    noise = first.array("samples") - clean
    levels = [0.1 * float(picture.max()) for picture in PICTURES]
    assert first.document("scan")["noise_std"] == pytest.approx(levels)
    assert noise.std(axis=(1, 2)) == pytest.approx(levels, rel=0.15)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.2
    other = prepared("image", path, noisy | {"seed": 1})[2].array("samples") - clean
    assert abs(np.corrcoef(noise[0].ravel(), other[0].ravel())[0, 1]) < 0.2
    ref, _ = run_stage("ingest", {"kind": "image", "reader": "auto", "items": [2]}, scan=path)
    _, alone = run_stage("prepare", {"steps": [noisy], "image": {}}, {"scan": ref})
    np.testing.assert_array_equal(alone.array("samples")[0], first.array("samples")[2])


def test_a_picture_that_is_blurred_already_has_no_reference(prepared: Any, path: Path) -> None:
    _, _, done = prepared("image", path, {"kind": "blurred", "sigma": 2})
    np.testing.assert_array_equal(done.array("samples"), PICTURES)
    assert "reference" not in done and not done.document("scan")["retrospective"]
    assert done.document("scan")["noise_std"] == [None, None, None]
    _, _, told = prepared("image", path, {"kind": "blurred", "sigma": 2, "noise": 0.01})
    assert told.document("scan")["noise_std"][1] == pytest.approx(0.01 * PICTURES[1].max())


def test_crops_keep_the_middle(prepared: Any, path: Path) -> None:
    _, _, done = prepared("image", path, {"kind": "crop", "matrix": [9, 8]}, QUIET)
    np.testing.assert_array_equal(done.array("reference"), PICTURES[:, 3:12, 1:9])
    assert done.document("scan")["geometry"]["matrix"] == [9, 8]
    assert "cropped to 9 x 8 of 14 x 11" in done.document("scan")["notes"]


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([], "must say once how the picture was measured, by blur, blurred or circulant_sensing, got none"),
        ([QUIET, {"kind": "circulant_sensing"}], "must say once .* got blur, circulant_sensing"),
        ([QUIET, {"kind": "crop", "matrix": [9, 8]}], "crop must come before what says how"),
        ([{"kind": "crop", "matrix": [9, 12]}, QUIET], "crop matrix must fit in 14 x 11, got 9 x 12"),
        ([{"kind": "crop", "matrix": [9, 7]}, QUIET], "crop matrix must be at least 8 x 8, got 9 x 7"),
        (
            [{"kind": "circulant_sensing", "ratio": 78}],
            "circulant_sensing ratio must be at most 77 for 14 x 11 pixels, got 78",
        ),
    ],
)
def test_what_does_not_fit_is_refused(prepared: Any, path: Path, steps: Any, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        prepared("image", path, *steps)


def test_a_crop_without_signal_is_refused(prepared: Any, tmp_path: Path) -> None:
    corner = np.zeros((14, 11), np.float32)
    corner[0, 0] = 1
    np.save(tmp_path / "corner.npy", corner)
    with pytest.raises(RequestError, match="crop must leave signal, got zeros in corner"):
        prepared("image", tmp_path / "corner.npy", {"kind": "crop", "matrix": [8, 8]}, QUIET)
