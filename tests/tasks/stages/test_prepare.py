"""Preparation steps keep what they say they keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proxflow.operators.fourier import ifft2c
from proxflow.tasks.errors import RequestError

INGEST = {"kind": "mri-cartesian", "reader": "auto", "items": "all"}


def prepared(run_stage: Any, scan_file: Path, *steps: dict[str, Any]) -> tuple[Any, Any]:
    ref, scan = run_stage("ingest", INGEST, scan=scan_file)
    return scan, run_stage("prepare", {"steps": list(steps)}, {"scan": ref})[1]


def test_no_steps_change_nothing(run_stage: Any, scan_file: Path) -> None:
    scan, done = prepared(run_stage, scan_file)
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples"))
    assert done.array("mask").all()
    assert not done.document("scan")["retrospective"]


def test_crop_cuts_the_image_about_its_centre(run_stage: Any, scan_file: Path) -> None:
    scan, done = prepared(run_stage, scan_file, {"kind": "crop", "matrix": [20, 15]})
    whole, cut = (ifft2c(torch.from_numpy(part.array("samples"))) for part in (scan, done))
    torch.testing.assert_close(cut, whole[..., 16 - 10 : 16 + 10, 13 - 7 : 13 + 8], atol=1e-5, rtol=1e-5)
    geometry = done.document("scan")["geometry"]
    assert geometry["matrix"] == [20, 15]
    assert geometry["field_of_view_mm"] == pytest.approx([5.0, 200.0, 150.0])


def test_crop_refuses_an_undersampled_axis(run_stage: Any, scan_file: Path) -> None:
    lines = {"kind": "undersample", "pattern": "uniform_lines", "acceleration": 2, "acs": [8, 8]}
    with pytest.raises(RequestError, match="fully sampled axes, got undersampled ky"):
        prepared(run_stage, scan_file, lines, {"kind": "crop", "matrix": [20, 26]})
    _, done = prepared(run_stage, scan_file, lines, {"kind": "crop", "matrix": [33, 20]})
    assert done.shape("samples") == (2, 3, 33, 20)


def test_whitening_gives_unit_noise(run_stage: Any, scan_file: Path) -> None:
    scan, done = prepared(run_stage, scan_file, {"kind": "whiten"})
    before, after = (part.array("samples").reshape(2, 3, -1) for part in (scan, done))
    matrix = np.linalg.lstsq(before[0].T, after[0].T, rcond=None)[0].T
    noise = matrix @ scan.array("noise")
    np.testing.assert_allclose(noise @ noise.conj().T / noise.shape[1], np.eye(3), atol=1e-3)
    assert done.document("scan")["noise_std"] == pytest.approx([1, 1], rel=1e-3)


def test_compression_keeps_most_energy_in_order(run_stage: Any, scan_file: Path) -> None:
    scan, done = prepared(run_stage, scan_file, {"kind": "compress_coils", "n_coils": 3})
    energy = (np.abs(done.array("samples")) ** 2).sum((0, 2, 3))
    assert energy.sum() == pytest.approx((np.abs(scan.array("samples")) ** 2).sum(), rel=1e-5)
    assert energy[0] >= energy[2]


def test_undersampling_keeps_all_samples_beside_the_mask(run_stage: Any, scan_file: Path) -> None:
    step = {"kind": "undersample", "acceleration": 3, "acs": [8, 8], "seed": 5}
    scan, done = prepared(run_stage, scan_file, step)
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples"))
    document = done.document("scan")
    assert document["retrospective"]
    assert document["acceleration"] == pytest.approx(3, rel=2e-3)
    assert done.array("mask").mean() == pytest.approx(1 / document["acceleration"])
    assert done.array("mask")[:, 12:20, 9:17].all()


def test_published_sampling_is_told_exactly_and_leaves_its_centre_to_be_found(
    run_stage: Any, scan_file: Path
) -> None:
    step = {"kind": "undersample_gaussian", "pattern": "lines", "fraction": 0.5, "seed": 4}
    scan, done = prepared(run_stage, scan_file, step)
    mask, document = done.array("mask"), done.document("scan")
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples"))
    assert mask.mean() <= 0.5 and (mask == mask[..., :1]).all()
    assert document["acceleration"] == mask.size / mask.sum() and document["acs"] is None
    assert document["retrospective"]
    note = f"retrospectively undersampled: Gaussian lines, seed 4, R = {document['acceleration']:.3f}"
    assert document["notes"][-1].startswith(note)
    with pytest.raises(RequestError, match="undersample_steps must keep measured samples only, but "):
        prepared(run_stage, scan_file, step, {"kind": "undersample_steps"})
