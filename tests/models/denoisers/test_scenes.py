"""Drawn scenes, and the noise put on them."""

import pytest
import torch

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
    rayleigh = with_noise(nothing, 0.1, "complex", rng)
    assert rayleigh.min() >= 0
    assert float(rayleigh.mean()) == pytest.approx(0.1 * (torch.pi / 2) ** 0.5, rel=0.01)
    for law in ("complex", "real"):
        error = with_noise(bright, 0.1, law, rng) - bright  # type: ignore[arg-type]
        assert float(error.std()) == pytest.approx(0.1, rel=0.02)
    assert abs(float(with_noise(nothing, 0.1, "real", rng).mean())) < 0.002


@pytest.mark.parametrize("side", [0, 8])
def test_a_step_decides_its_pairs(side: int) -> None:
    settings = VolumeSettings(SceneSettings(shape=(12, 10, 14)), side=side, batch=6, understated=0.0)
    first, again, next_one = (draw_volumes(settings, 3, step) for step in (5, 5, 6))
    assert torch.equal(first.inputs, again.inputs) and not torch.equal(first.clean, next_one.clean)
    assert first.clean.shape == (6, 1, *((side,) * 3 if side else (12, 10, 14)))
    peaks = first.clean.amax((1, 2, 3, 4))
    assert (peaks <= 1.0001).all() and (side or (peaks >= DIMMEST - 1e-4).all())
    told = first.inputs[:, 1]
    assert (told == told[:, :1, :1, :1]).all() and told.max() <= 0.2


def test_some_have_less_noise_than_told() -> None:
    settings = VolumeSettings(
        SceneSettings(shape=(16, 16, 16)), side=0, batch=60, understated=0.5, law="real"
    )
    pairs = draw_volumes(settings, 0, 0)
    ratio = (pairs.inputs[:, :1] - pairs.clean).std((1, 2, 3, 4)) / pairs.inputs[:, 1].amax((1, 2, 3))
    assert 15 < int((ratio < 0.95).sum()) < 40 and float(ratio.max()) < 1.1
