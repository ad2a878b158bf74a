"""What a diffusion prior is trained on and judged by: draws, levels, errors in closed form, samples."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from proxflow.models.calibration.image_unit import bright
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.diffusion.fourier_wiener import FourierWiener
from proxflow.models.diffusion.noise_levels import NoiseLevel, vp_levels
from proxflow.models.diffusion.noisy_images import ImageSettings, draw_images, draw_noisy, in_unit
from proxflow.models.diffusion.prior_training import (
    JUDGED_TIMES,
    find_noise_gradient,
    judged_errors,
    mean_errors,
    noise_errors,
)
from proxflow.models.diffusion.smooth_phase import MOST, smooth_phase
from proxflow.models.diffusion.unconditional import unconditional_samples
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings, Prediction
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.models.networks.trainee import follow_gradient, new_trainee


@pytest.fixture
def subjects() -> tuple[Subject, ...]:
    """Two subjects of unlike sizes, peaks far from 1; one image has a very bright pixel."""
    rng = torch.Generator().manual_seed(4)
    images = [3 * torch.rand(n, 20, generator=rng) for n in (14, 24, 30)]
    images[0][5, 5] = 100
    return in_unit(Subject("a", ((images[0],), (images[1],)))), in_unit(Subject("b", ((images[2],),)))


def test_images_are_in_the_unit_of_the_sampler(subjects: tuple[Subject, ...]) -> None:
    for (image,) in (sizes for subject in subjects for sizes in subject.slices):
        assert float(bright(image, 2)) == pytest.approx(1, rel=1e-6)
        assert float(image.max()) == 1 and float(image.min()) >= 0


@pytest.mark.parametrize("is_complex", [False, True])
def test_images_and_noise_are_those_of_their_seed_and_step(
    is_complex: bool, subjects: tuple[Subject, ...]
) -> None:
    settings = ImageSettings(16, 6, is_complex)
    one, same, other = (draw_noisy(subjects, settings, 7, step) for step in (5, 5, 6))
    for part, again, next_ in zip(one, same, other, strict=True):
        assert torch.equal(part, again) and not torch.equal(part, next_)
    assert one.noisy.shape == one.noise.shape == (6, 1 + is_complex, 16, 16)
    levels = [vp_levels()[int(t)] for t in one.times.tolist()]
    signal, noise = (torch.tensor([vars(level)[name] for level in levels]) for name in ("signal", "noise"))
    clean = (one.noisy - noise[:, None, None, None] * one.noise) / signal[:, None, None, None]
    share, kept = (factor[:, None, None, None] for factor in (noise, signal))
    torch.testing.assert_close(kept * one.velocity + share * one.noisy, one.noise, rtol=0, atol=2e-6)
    torch.testing.assert_close(kept * one.noisy - share * one.velocity, clean, rtol=0, atol=1e-3)
    reliable = clean[signal > 0.1]
    assert 0.5 < float(reliable.square().sum(1).amax().sqrt()) < 1.001
    assert is_complex or float(reliable.min()) > -1e-3
    assert abs(float(one.noise.std()) - 1) < 0.1


def test_times_are_uniform_over_all_levels(subjects: tuple[Subject, ...]) -> None:
    times = torch.cat([draw_noisy(subjects, ImageSettings(8, 250, False), 0, k).times for k in range(8)])
    assert 0 <= float(times.min()) < 10 and 990 <= float(times.max()) <= 999
    counts = torch.histc(times, 4, 0, 1000)
    assert bool((counts > 420).all())  # of 2000, 500 each, standard deviation 19


def test_images_lie_in_all_eight_ways_and_keep_their_pixels() -> None:
    ramp = torch.arange(1.0, 65.0).view(8, 8) / 64
    images = draw_images([Subject("a", ((ramp,),))], ImageSettings(8, 64, False), torch.Generator())
    ways = {
        tuple((image / image.max() * 64).round().int()[[0, 0, -1], [0, -1, 0]].tolist()) for image in images
    }
    assert len(ways) == 8
    assert 0.8 <= float(images.amax((1, 2)).min()) < 0.85 and 0.95 < float(images.max()) <= 1


def test_phases_are_smooth_and_bounded(rng: torch.Generator) -> None:
    phases = torch.stack([smooth_phase(32, rng) for _ in range(50)])
    largest = phases.abs().amax((1, 2))
    assert 1.3 < float(largest.max()) <= MOST and float(largest.min()) < 0.2
    curvature = phases[:, 2:] - 2 * phases[:, 1:-1] + phases[:, :-2]
    assert float(curvature.abs().max()) < 0.1  # radians a pixel^2: noise of this size has 3


class Scaled:
    """Says that a share of what it is given is noise."""

    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        return 0.25 * x


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_errors_of_the_noise_are_those_of_closed_forms(dtype: torch.dtype) -> None:
    images = torch.ones(40, 32, 32, dtype=dtype)
    found = noise_errors(Scaled(), images)
    per_channel = 0.5 if dtype.is_complex else 1.0
    for error, time in zip(found, JUDGED_TIMES, strict=True):
        level = vp_levels()[time]
        expected = (1 - 0.25 * level.noise) ** 2 + per_channel * (0.25 * level.signal) ** 2
        assert error == pytest.approx(expected, rel=0.02)
    assert found == noise_errors(Scaled(), images)
    assert noise_errors(Scaled(), images[:20])[0] != found[0]  # every image has noise of its own


def test_wiener_is_as_good_as_its_spectrum_allows(rng: torch.Generator) -> None:
    spectrum = torch.full((16, 16), 0.3)
    images = 0.3**0.5 * torch.randn(200, 16, 16, generator=rng)
    found = noise_errors(FourierWiener(spectrum), images)
    for error, time in zip(found, JUDGED_TIMES, strict=True):
        level = vp_levels()[time]
        expected = level.signal**2 * 0.3 / (level.signal**2 * 0.3 + level.noise**2)
        assert error == pytest.approx(expected, rel=0.03)


def test_rows_tell_both_errors_and_their_middle() -> None:
    found, reference = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    rows = judged_errors(found, reference)
    assert [row.level for row in rows] == [str(t) for t in JUDGED_TIMES]
    assert rows[0].before == pytest.approx(-10 * math.log10(0.6)) and rows[0].mse == 0.1
    assert rows[0].after == pytest.approx(10)
    assert mean_errors(rows) == pytest.approx((0.3, 0.4))  # of t = 400, 500 and 600


@pytest.mark.parametrize(
    ("predicts", "first"),
    [("noise", 1.0), ("velocity", 0.37)],  # of v: the mean of signal^2, and a little of images
)
def test_a_few_steps_lower_the_loss(
    predicts: Prediction, first: float, subjects: tuple[Subject, ...]
) -> None:
    torch.manual_seed(1)
    network = DiffusionUnet(DiffusionUnetSettings(None, 2, 2, 32, (1, 2), 1, (2,), predicts=predicts))
    trainee = new_trainee(network, 24, rate=4e-3, decay=0.0)
    losses = []
    for step in range(24):
        images = draw_noisy(subjects, ImageSettings(16, 4, True), 0, step)
        losses.append(find_noise_gradient(trainee, images, mixed=False))
        follow_gradient(trainee)
    assert losses[0] == pytest.approx(first, abs=0.1)  # a new network says 0
    assert sum(losses[-6:]) / 6 < 0.8 * first


def test_samples_of_a_gaussian_prior_have_its_spectrum() -> None:
    spectrum = torch.full((8, 8), 0.04)
    spectrum[4, 4] = 0.5
    for is_complex in (False, True):
        samples = unconditional_samples(
            FourierWiener(spectrum), (400, 8, 8), is_complex=is_complex, n_steps=50, seed=3
        )
        assert samples.shape == (400, 8, 8) and samples.is_complex() == is_complex
        channels = torch.view_as_real(samples).movedim(-1, 1).flatten(0, 1) if is_complex else samples
        mean_power = float(channels.sum((1, 2)).square().mean() / 64)
        assert 0.35 < mean_power < 0.6  # DDIM of 50 steps ends with a little too little
        rest = channels - channels.mean((1, 2), keepdim=True)
        assert 0.025 < float(rest.var()) < 0.045
    again = unconditional_samples(FourierWiener(spectrum), (2, 8, 8), is_complex=True, seed=3)
    assert torch.equal(again, samples[:2])


def test_a_gradient_in_bfloat16_is_that_in_float32_but_for_rounding(subjects: tuple[Subject, ...]) -> None:
    torch.manual_seed(1)
    network = DiffusionUnet(DiffusionUnetSettings(None, 1, 1, 32, (1, 2), 1, (2,)))
    for parameter in network.parameters():
        parameter.data.add_(0.05 * torch.randn(parameter.shape))  # zeros at first would hide most gradients
    trainee = new_trainee(network, 1, rate=1e-3, decay=0.0)
    images = draw_noisy(subjects, ImageSettings(8, 2, False), 0, 0)
    losses, gradients = [], []
    for mixed in (False, True):
        losses.append(find_noise_gradient(trainee, images, mixed=mixed))
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in network.parameters()]))
    assert losses[1] == pytest.approx(losses[0], rel=0.03) and losses[1] != losses[0]
    assert gradients[1].dtype == torch.float32
    assert float((gradients[1] - gradients[0]).norm()) < 0.05 * float(gradients[0].norm())
