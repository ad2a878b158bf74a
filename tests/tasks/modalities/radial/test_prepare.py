"""Preparation of radial MRI: the spokes that are kept, the coils and their noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.radial.spokes import widest_gap_rad


def test_no_steps_change_nothing(prepared: Any, write_radial: Any, trajectory: np.ndarray) -> None:
    _, scan, done = prepared("mri-radial", write_radial())
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples"))
    np.testing.assert_array_equal(done.array("trajectory"), trajectory)
    document = done.document("scan")
    assert done.array("mask").all() and not document["retrospective"]
    assert document["acceleration"] == pytest.approx(np.pi / 2 * 36 / 40)


@pytest.mark.parametrize(("which", "widest_deg"), [("first", 26.3), ("spread", 26.3)])
def test_keep_spokes_marks_them_and_keeps_all_samples(
    prepared: Any, write_radial: Any, which: str, widest_deg: float
) -> None:
    step = {"kind": "keep_spokes", "n_spokes": 9, "which": which}
    _, scan, done = prepared("mri-radial", write_radial(), step)
    mask = done.array("mask")
    kept = np.flatnonzero(mask.all(axis=1))
    assert len(kept) == 9 and mask.sum() == 9 * 61
    assert which == "spread" or kept.tolist() == list(range(9))
    assert np.rad2deg(widest_gap_rad(done.array("trajectory")[kept])) < widest_deg
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples"))
    assert done.document("scan")["retrospective"]


def test_whitening_gives_unit_noise(prepared: Any, write_radial: Any) -> None:
    _, scan, done = prepared("mri-radial", write_radial(noise=True), {"kind": "whiten"})
    before, after = (part.array("samples")[0].reshape(4, -1) for part in (scan, done))
    matrix = np.linalg.lstsq(before.T, after.T, rcond=None)[0].T
    noise = matrix @ scan.array("noise")
    np.testing.assert_allclose(noise @ noise.conj().T / noise.shape[1], np.eye(4), atol=2e-3)
    assert done.document("scan")["noise_std"] == pytest.approx([1, 1], rel=1e-3)


def test_compression_keeps_energy_in_order_and_every_item_alike(prepared: Any, write_radial: Any) -> None:
    _, scan, done = prepared("mri-radial", write_radial(), {"kind": "compress_coils", "n_coils": 4})
    energy = (np.abs(done.array("samples")) ** 2).sum((2, 3))
    whole = (np.abs(scan.array("samples")) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(energy.sum(1), whole, rtol=1e-5)
    assert (np.diff(energy[0]) < 0).all()
    np.testing.assert_allclose(done.array("samples")[1], 2 * done.array("samples")[0], atol=1e-5)
    _, _, fewer = prepared("mri-radial", write_radial(), {"kind": "compress_coils", "n_coils": 3})
    assert fewer.shape("samples") == (2, 3, 40, 61)


def test_a_smaller_matrix_has_less_of_k_space(
    prepared: Any, write_radial: Any, trajectory: np.ndarray
) -> None:
    _, _, done = prepared("mri-radial", write_radial(), image={"matrix": [24, 20]})
    inside = (np.abs(trajectory[..., 0]) <= 12) & (np.abs(trajectory[..., 1]) <= 10)
    np.testing.assert_array_equal(done.array("mask"), inside)
    geometry = done.document("scan")["geometry"]
    assert geometry["matrix"] == [24, 20] and geometry["field_of_view_mm"] == [5.0, 360.0, 300.0]


@pytest.mark.parametrize(
    ("steps", "image", "sentence"),
    [
        ([{"kind": "whiten"}], {}, "prepare whiten must have a noise measurement in the scan, got none"),
        ([{"kind": "compress_coils", "n_coils": 5}], {}, "compress_coils n_coils must be at most 4, got 5"),
        ([{"kind": "keep_spokes", "n_spokes": 41}], {}, "n_spokes must be at most 40, got 41"),
        ([], {"voxel_mm": 10}, "image must give matrix alone for mri-radial"),
        ([], {"matrix": [2, 24, 20]}, r"image.matrix must be \(y, x\) for mri-radial, got \[2, 24, 20\]"),
    ],
)
def test_what_does_not_fit_is_refused(
    prepared: Any, write_radial: Any, steps: list[Any], image: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence):
        prepared("mri-radial", write_radial(), *steps, image=image)
