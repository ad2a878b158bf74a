"""What networks for volumes are trained and judged on."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from proxflow.models.denoisers.adjoint_scenes import (
    MeasuredSettings,
    adjoint_magnitude,
    draw_adjoints,
    measured,
)
from proxflow.models.denoisers.held_out_scenes import FIRST_SEED, held_out_scenes
from proxflow.models.denoisers.scenes import SceneSettings
from proxflow.models.denoisers.volume_training import applied, find_volume_gradient, judge_volumes, midpoints
from proxflow.models.networks.trainee import new_trainee
from proxflow.models.networks.unet3d import UNet3d
from proxflow.operators.mills_cross import mills_cross

SCENES = SceneSettings(shape=(12, 8, 9))


def test_held_out_scenes_are_decided_by_their_number_and_beyond_every_seed() -> None:
    scenes = held_out_scenes(SCENES, 4)
    assert scenes.shape == (4, 12, 8, 9) and scenes.amax((1, 2, 3)).tolist() == [1.0] * 4
    torch.testing.assert_close(held_out_scenes(SCENES, 2, first=2), scenes[2:], rtol=0, atol=0)
    assert 3999 * 1_000_003 + 1_000_000 < FIRST_SEED < 2**32 - 10**7  # the largest seed and step


def test_midpoints_average_over_all_levels() -> None:
    levels = midpoints(0.2, 5)
    assert levels == (0.02, 0.06, 0.1, 0.14, 0.18)
    assert sum(midpoints(0.3, 7)) / 7 == pytest.approx(0.15)


def test_what_is_judged_is_the_error_of_what_leaves_the_network() -> None:
    class Halved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.share = nn.Parameter(torch.tensor(0.5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.share * (x[:, :1] + 0 * x[:, 1:])

    scenes = list(held_out_scenes(SCENES, 3))
    (low, high) = judge_volumes(Halved(), scenes, (0.05, 0.2), "real")
    assert (low.level, high.level) == ("0.05", "0.2")
    assert low.before == pytest.approx(-20 * math.log10(0.05), abs=0.3)
    expected = sum(float(scene.square().mean()) for scene in scenes) / 12  # half of each scene is missing
    assert low.mse == pytest.approx(expected + 0.025**2, rel=0.05)
    assert high.mse == pytest.approx(expected + 0.1**2, rel=0.05)


def test_judging_leaves_running_statistics_and_the_mode_alone() -> None:
    torch.manual_seed(0)
    network = UNet3d(2)
    trainee = new_trainee(network, 10, rate=1e-3, decay=0.5)
    pair = torch.rand(2, 2, 8, 8, 8)
    assert find_volume_gradient(trainee, pair, pair[:, :1], mixed=False) > 0
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    assert applied(network, pair[0]).shape == (8, 8, 8) and network.training
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, kept[name], rtol=0, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(applied(network, pair[0]), network.eval()(pair[:1])[0, 0])


def test_noise_of_measurements_has_the_ratio_that_was_asked_for() -> None:
    operator, scene = mills_cross(4, SCENES.shape), held_out_scenes(SCENES, 1)[0]
    samples = []
    for snr_db in (300.0, 10.0):
        samples.append(measured(operator, scene, snr_db, torch.Generator().manual_seed(1)))
    noise = samples[1] - samples[0]
    found = 20 * math.log10(float(samples[0].norm() / noise.norm()))
    assert found == pytest.approx(10, abs=0.5)
    assert float(noise.real.norm() / noise.imag.norm()) == pytest.approx(1, abs=0.15)


def test_adjoint_images_do_not_depend_on_those_beside_them() -> None:
    operator = mills_cross(3, SCENES.shape)
    y = torch.randn(
        3, *operator.range_shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(0)
    )
    y[1] *= 100
    y[2] = 0
    images = adjoint_magnitude(operator, y)
    torch.testing.assert_close(images[0], adjoint_magnitude(operator, y[0]), rtol=1e-5, atol=1e-6)
    assert images.amax((1, 2, 3)).tolist() == pytest.approx([1, 1, 0])


def test_pairs_are_decided_by_seed_and_step() -> None:
    operators = {n: mills_cross(n, SCENES.shape) for n in (2, 3)}
    settings = MeasuredSettings(SCENES, batch=2)
    first, again, other = (draw_adjoints(operators, settings, 5, step) for step in (7, 7, 8))
    assert first.inputs.shape == first.clean.shape == (2, 1, 12, 8, 9)
    torch.testing.assert_close(first.inputs, again.inputs, rtol=0, atol=0)
    torch.testing.assert_close(first.clean, again.clean, rtol=0, atol=0)
    assert not torch.equal(first.inputs, other.inputs)
