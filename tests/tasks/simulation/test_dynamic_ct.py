"""Simulated dynamic CT: scikit-image's projections, the stated noise, its operator fits its samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import radon

from proxflow.data.samples.catalogue import sample_path
from proxflow.data.schedules import schedule_angles
from proxflow.operators.frame_projections import FrameProjections
from proxflow.tasks.simulation.dynamic_ct import inside_circle, simulate_dynamic_ct


@pytest.fixture
def frames() -> np.ndarray:
    """A blob that wanders, (8, 24, 24), 1/mm."""
    y, x = np.mgrid[:24, :24]
    return np.stack([0.02 * np.exp(-((y - 9 - t / 2) ** 2 + (x - 13) ** 2) / 12) for t in range(8)])


def test_simulate_dynamic_ct_is_scikit_images_radon(frames) -> None:
    scan = simulate_dynamic_ct(frames, pixel_size_mm=2.0, views_per_frame=2, noise=0)
    assert scan.samples.shape == (1, 8, 2, 24)
    assert scan.centre == "pixel" and scan.axis_column == 12
    np.testing.assert_array_equal(scan.angles_rad.ravel(), schedule_angles("bit_reversed", 16))
    for t in (0, 5):
        expected = 2.0 * radon(scan.reference[0, t], np.rad2deg(scan.angles_rad[t]), circle=True)
        np.testing.assert_allclose(scan.samples[0, t], expected.T, atol=1e-6)


@pytest.mark.parametrize("model", ["bilinear", "joseph"])
def test_simulate_dynamic_ct_noise_is_of_the_complete_sinogram(frames, model) -> None:
    def simulate(noise: float, seed: int = 1):
        return simulate_dynamic_ct(
            frames, pixel_size_mm=2.0, views_per_frame=4, noise=noise, model=model, seed=seed
        )

    clean, noisy = simulate(0), simulate(0.05)
    every = np.broadcast_to(clean.angles_rad.ravel(), (8, 32))
    complete = FrameProjections((24, 24), every, 24, pixel_size_mm=2.0, model=model)
    peak = complete.forward(torch.from_numpy(clean.reference[0].astype(np.float64))).max().item()
    errors = noisy.samples - clean.samples
    assert errors.std() == pytest.approx(0.05 * peak, rel=0.06)
    np.testing.assert_array_equal(noisy.samples, simulate(0.05).samples)
    assert not np.array_equal(noisy.samples, simulate(0.05, seed=2).samples)


def test_simulate_dynamic_ct_leaves_out_what_lies_beside_the_circle(frames) -> None:
    scan = simulate_dynamic_ct(frames + 0.01, pixel_size_mm=1.0)
    assert not scan.reference[0][:, ~inside_circle(24)].any()
    within = inside_circle(24)
    assert np.abs(scan.reference[0] - (frames + 0.01))[:, within].max() < 0.03 / 4369


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"views_per_frame": 0}, "views_per_frame must be at least 1, got 0"),
        ({"noise": -1.0}, "noise must be finite and at least 0, got -1"),
        ({"frames": np.zeros((4, 8, 8))}, "frames must be finite, not negative and not all zero"),
        ({"frames": np.ones((4, 8, 9))}, "must have axes .frame, y, x. and be square"),
    ],
)
def test_simulate_dynamic_ct_refuses(frames, change, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        simulate_dynamic_ct(**{"frames": frames, "pixel_size_mm": 1.0, **change})


def test_the_sample_is_its_reference_seen_along_its_views() -> None:
    from proxflow.data.open_scan import open_scan

    with open_scan(sample_path("dynamic-ct-lung")) as opened:
        scan = opened.read([0])
    assert scan.samples.shape == (1, 64, 1, 128)
    assert "Simulated, not measured" in scan.source["changes"]
    operator = FrameProjections(
        (128, 128), scan.angles_rad, 128, pixel_size_mm=scan.image_pixel_mm, model="bilinear"
    )
    clean = operator.forward(torch.from_numpy(scan.reference[0].astype(np.float64))).numpy()
    errors = scan.samples[0] - clean
    assert errors.std() == pytest.approx(5e-3 * clean.max(), rel=0.05)
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(errors.size)
