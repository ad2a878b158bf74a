"""Simulated dynamic MRI: its operator gives its samples, noise as stated, coils smooth and normalised."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from proxflow.data.open_scan import open_scan
from proxflow.operators.frame_sense import FrameSenseRadial
from proxflow.operators.trajectories import GOLDEN_ANGLE_RAD
from proxflow.tasks.simulation.coil_maps import real_coil_maps
from proxflow.tasks.simulation.dynamic_mri import simulate_dynamic_mri
from proxflow.tasks.simulation.series_in_time import interpolated_in_time, smooth_phase


@pytest.fixture
def frames() -> np.ndarray:
    """A disc whose brightness changes, complex (4, 20, 20)."""
    y, x = np.mgrid[:20, :20] - 10
    disc = (y * y + x * x < 50).astype(float)
    return np.stack([(1 + t) * disc for t in range(4)]) * np.exp(1j * smooth_phase(20))


@pytest.fixture
def maps() -> np.ndarray:
    """Two coils, complex (2, 20, 20)."""
    side = np.linspace(0.2, 0.8, 20)[None, :]
    both = np.stack([np.sqrt(side), 1j * np.sqrt(1 - side)])
    return np.broadcast_to(both, (2, 20, 20)).copy()


def test_simulate_dynamic_mri_is_what_its_operator_gives(frames, maps) -> None:
    scan = simulate_dynamic_mri(frames, maps, spokes_per_frame=3, snr=np.inf)
    assert scan.samples.shape == (1, 4, 2, 3, 40)
    operator = FrameSenseRadial(torch.from_numpy(scan.trajectory), torch.from_numpy(scan.coil_maps[0]))
    found = operator.forward(torch.from_numpy(scan.reference[0])).numpy()
    np.testing.assert_allclose(scan.samples[0], found, atol=1e-3 * np.abs(found).max())
    assert np.abs(scan.reference[0] - frames).max() < np.abs(frames).max() / 1024


def test_simulate_dynamic_mri_spokes_go_on_by_the_golden_angle(frames, maps) -> None:
    trajectory = simulate_dynamic_mri(frames, maps, spokes_per_frame=3).trajectory.reshape(12, 40, 2)
    angles = np.arctan2(trajectory[:, -1, 0], trajectory[:, -1, 1])
    steps = np.mod(np.diff(angles), 2 * np.pi)
    np.testing.assert_allclose(steps, GOLDEN_ANGLE_RAD, atol=1e-5)


def test_simulate_dynamic_mri_noise_is_as_stated(frames, maps) -> None:
    clean, noisy, again = (
        simulate_dynamic_mri(frames, maps, spokes_per_frame=8, snr=snr, seed=5) for snr in (np.inf, 10, 10)
    )
    errors = noisy.samples - clean.samples
    mean = np.abs(frames)[np.abs(frames) > 0].mean()
    assert np.sqrt(np.mean(np.abs(errors) ** 2)) == pytest.approx(mean / 10, rel=0.05)
    np.testing.assert_array_equal(noisy.samples, again.samples)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"spokes_per_frame": 0}, "spokes_per_frame must be at least 1, got 0"),
        ({"snr": 0.0}, "snr must be positive, got 0"),
        ({"frames": np.zeros((2, 20, 20), complex)}, "frames must be finite and not all zero"),
        ({"coil_maps": np.ones((2, 20, 19))}, "coil_maps must fit frames"),
    ],
)
def test_simulate_dynamic_mri_refuses(frames, maps, change, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        simulate_dynamic_mri(**{"frames": frames, "coil_maps": maps, **change})


def test_real_coil_maps_are_smooth_and_normalised() -> None:
    maps = real_coil_maps(4, 32)
    np.testing.assert_allclose(np.linalg.norm(maps, axis=0), 1, atol=1e-12)
    power = np.abs(maps) ** 2
    assert (power.mean(axis=(1, 2)) > 0.03).all()
    assert max(np.abs(np.diff(power, axis=axis)).max() for axis in (1, 2)) < 0.25
    with pytest.raises(ValueError, match="coils must lie between 1 and 8, got 9"):
        real_coil_maps(9, 32)


def test_interpolated_in_time_passes_through_the_images_and_does_not_overshoot() -> None:
    images = np.random.default_rng(2).uniform(0, 1, (5, 3, 4))
    frames = interpolated_in_time(images, 8)
    np.testing.assert_allclose(frames[::2], images[:4], atol=1e-12)
    assert frames.min() >= images.min() and frames.max() <= images.max()
    np.testing.assert_allclose(interpolated_in_time(images, 24)[::3], frames, atol=1e-12)
    assert interpolated_in_time(images[:1], 6).shape == (6, 3, 4)


def test_the_sample_is_its_reference_seen_along_its_spokes() -> None:
    with open_scan("sample://dynamic-mri-kidney") as opened:
        scan = opened.read([0])
    assert scan.samples.shape == (1, 24, 4, 6, 224)
    assert "Simulated, not measured" in scan.source["changes"]
    operator = FrameSenseRadial(torch.from_numpy(scan.trajectory[:3]), torch.from_numpy(scan.coil_maps[0]))
    errors = scan.samples[0, :3] - operator.forward(torch.from_numpy(scan.reference[0, :3])).numpy()
    magnitude = np.abs(scan.reference)
    expected = magnitude[magnitude > 0.05 * magnitude.max()].mean() / 30
    assert np.sqrt(np.mean(np.abs(errors) ** 2)) == pytest.approx(expected, rel=0.05)
