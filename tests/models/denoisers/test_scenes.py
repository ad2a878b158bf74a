"""Drawn scenes, and the noise put on them."""

import math

import pytest
import torch

from proxflow.models.denoisers.blur import coloured_noise
from proxflow.models.denoisers.noisy_scenes import DIMMEST, VolumeSettings, draw_volumes, with_noise
from proxflow.models.denoisers.scenes import SceneSettings, draw_magnitude, with_random_phase


@pytest.mark.parametrize("solids", [0.0, 1.0])
def test_scenes_are_sparse_bodies_with_a_peak_of_one(solids: float, rng: torch.Generator) -> None:
    settings = SceneSettings(solids=solids)
    shares = []
    for _ in range(12):
        scene = draw_magnitude(settings, rng)
        assert scene.shape == (49, 25, 25) and scene.dtype == torch.float32
        assert scene.min() >= 0 and scene.max() == pytest.approx(1.0)
        shares.append(float((scene > 0.5).float().mean()))
    assert 0.002 < sum(shares) / 12 < 0.04


def test_small_volumes_hold_their_targets(rng: torch.Generator) -> None:
    for _ in range(20):
        scene = draw_magnitude(SceneSettings(shape=(4, 9, 6)), rng)
        assert scene.isfinite().all() and scene.max() == pytest.approx(1.0)


def test_phases_are_uniform_and_leave_the_magnitude(rng: torch.Generator) -> None:
    magnitude = torch.rand(20, 20, 20, generator=rng)
    scene = with_random_phase(magnitude, rng)
    torch.testing.assert_close(scene.abs(), magnitude)
    assert abs((scene / magnitude).mean()) < 0.05


def test_noise_of_both_laws(rng: torch.Generator) -> None:
    nothing, bright = torch.zeros(40, 40, 40), torch.full((40, 40, 40), 5.0)
    parts = 0.1 * torch.randn(2, 40, 40, 40, generator=rng)
    rayleigh = with_noise(nothing, parts, "complex")
    assert rayleigh.min() >= 0
    assert float(rayleigh.mean()) == pytest.approx(0.1 * (torch.pi / 2) ** 0.5, rel=0.01)
    for law in ("complex", "real"):
        error = with_noise(bright, parts, law) - bright  # type: ignore[arg-type]
        assert float(error.std()) == pytest.approx(0.1, rel=0.02)
    assert abs(float(with_noise(nothing, parts, "real").mean())) < 0.002


@pytest.mark.parametrize("width", [0.4, 1.0, 1.6])
def test_coloured_noise_has_a_std_of_one_and_gaussian_correlation(width: float, rng: torch.Generator) -> None:
    """Blurred by a Gaussian of width w, neighbours r voxels apart correlate by exp(-r^2 / (4 w^2))."""
    noise = coloured_noise((90, 90, 90), width, rng)
    assert abs(float(noise.mean())) < 0.03 and float(noise.std()) == pytest.approx(1.0, rel=0.03)
    assert float(noise[0].std()) == pytest.approx(1.0, rel=0.1)  # at a face as inside
    for axis in range(3):
        near = noise.narrow(axis, 0, 88) * noise.narrow(axis, 2, 88)
        expected = 0.0 if width < 0.5 else math.exp(-1 / width**2)
        assert float(near.mean()) == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("side", [0, 8])
def test_a_step_decides_its_pairs(side: int) -> None:
    settings = VolumeSettings(SceneSettings(shape=(12, 10, 14)), side=side, batch=6)
    first, again, next_one = (draw_volumes(settings, 3, step) for step in (5, 5, 6))
    assert torch.equal(first.inputs, again.inputs) and not torch.equal(first.clean, next_one.clean)
    assert first.clean.shape == (6, 1, *((side,) * 3 if side else (12, 10, 14)))
    peaks = first.clean.amax((1, 2, 3, 4))
    assert (peaks <= 1.0001).all() and (side or (peaks >= DIMMEST - 1e-4).all())
    told = first.inputs[:, 1]
    assert (told == told[:, :1, :1, :1]).all() and told.max() <= 0.2


def test_some_have_less_noise_than_told() -> None:
    scenes = SceneSettings(shape=(16, 16, 16))
    settings = VolumeSettings(scenes, side=0, batch=60, understated=0.5, coloured=0.0, law="real")
    pairs = draw_volumes(settings, 0, 0)
    ratio = (pairs.inputs[:, :1] - pairs.clean).std((1, 2, 3, 4)) / pairs.inputs[:, 1].amax((1, 2, 3))
    assert 15 < int((ratio < 0.95).sum()) < 40 and float(ratio.max()) < 1.1


def test_some_noise_is_alike_in_neighbours() -> None:
    scenes = SceneSettings(shape=(16, 16, 16))
    settings = VolumeSettings(scenes, side=0, batch=60, understated=0.0, coloured=0.5, law="real")
    pairs = draw_volumes(settings, 0, 0)
    noise = pairs.inputs[:, :1] - pairs.clean
    alike = (noise[..., 1:] * noise[..., :-1]).mean((1, 2, 3, 4)) / noise.square().mean((1, 2, 3, 4))
    assert 10 < int((alike > 0.15).sum()) < 40 and int((alike.abs() < 0.1).sum()) >= 20
