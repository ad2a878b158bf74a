"""What a denoiser is trained on, and that training makes it one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from proxflow.models.denoisers.noisy_crops import CropSettings, Subject, draw_crops, field_of_view
from proxflow.models.denoisers.still_subjects import attenuation, still_subject
from proxflow.models.denoisers.training import denoiser_trainee, find_gradient, judge_denoiser
from proxflow.models.networks.dncnn import DnCNN
from proxflow.models.networks.trainee import follow_gradient


def discs(n: int, size: int = 40) -> Subject:
    """Slices with a flat disc each."""
    y, x = np.mgrid[:size, :size] - size / 2
    slices = [((x - k) ** 2 + y**2 < (6 + k) ** 2).astype(np.float32) for k in range(n)]
    subject = still_subject("discs", slices, (32,))
    assert subject is not None
    return subject


def test_crops_are_decided_by_seed_and_step() -> None:
    settings = CropSettings(side=24, batch=3)
    first, again = (draw_crops([discs(4)], settings, 5, 7) for _ in range(2))
    for name in ("clean", "noisy", "mask", "sigma"):
        torch.testing.assert_close(getattr(first, name), getattr(again, name), rtol=0, atol=0)
    assert not torch.equal(first.noisy, draw_crops([discs(4)], settings, 5, 8).noisy)
    assert not torch.equal(first.noisy, draw_crops([discs(4)], settings, 6, 7).noisy)


def test_crops_have_the_noise_they_say_and_show_the_object() -> None:
    settings = CropSettings(side=24, batch=64, sigma_high=0.2, circle=0.5)
    crops = draw_crops([discs(4)], settings, 0, 0)
    assert crops.clean.shape == (64, 1, 24, 24)
    assert crops.clean.amax((1, 2, 3)).min() > 0.7  # each holds a pixel of a disc, brightness 0.8 to 1.25
    assert 0 <= crops.sigma.min() < 0.03 and 0.17 < crops.sigma.max() <= 0.2  # drawn for each crop
    noise = (crops.noisy - crops.clean)[crops.mask[:, 0].amin((1, 2)) > 0]
    measured, told = noise.std((1, 2, 3)), crops.sigma[crops.mask[:, 0].amin((1, 2)) > 0].flatten()
    torch.testing.assert_close(measured, told, rtol=0.15, atol=1e-4)
    outside = crops.mask == 0
    assert outside.any() and not crops.noisy[outside].any() and not crops.clean[outside].any()


def test_the_field_of_view_is_the_inscribed_circle() -> None:
    seen = field_of_view(torch.ones(16, 20))
    assert seen[8, 10] == 1 and seen[8, 17] == 1 and seen[8, 18] == 0 and seen[0, 10] == 0


def test_a_subject_is_scaled_resized_and_freed_of_empty_slices() -> None:
    image = np.zeros((60, 90), np.float32)
    image[10:50, 20:70] = 350
    subject = still_subject("one", [image, np.zeros((60, 90), np.float32), -image], (30, 45, 128))
    assert subject is not None and len(subject.slices) == 1
    assert [tuple(copy.shape) for copy in subject.slices[0]] == [(20, 30), (30, 45)]
    for copy in subject.slices[0]:
        assert copy.max() == pytest.approx(1, abs=1e-3) and copy.min() >= 0
    small = still_subject("small", [image[::3, ::3]], (128,))
    assert small is not None and small.slices[0][0].shape == (20, 30)
    assert still_subject("none", [0 * image], (30,)) is None


def test_attenuation_of_air_water_and_less() -> None:
    found = attenuation(np.array([-1000, 0, 1000, -1024], np.float32))
    np.testing.assert_array_equal(found, [0, 1, 2, 0])


def test_training_makes_a_denoiser() -> None:
    subject, settings = discs(6), CropSettings(side=24, batch=4, circle=0)
    torch.manual_seed(0)
    trainee = denoiser_trainee(DnCNN(), 60)
    for step in range(60):
        find_gradient(trainee, draw_crops([subject], settings, 0, step), low_noise=None, mixed=False)
        follow_gradient(trainee)
    assert trainee.step == 60
    (row,) = judge_denoiser(trainee.network, [subject.slices[0][0]], (0.1,))
    assert row.level == "0.1" and row.after > row.before + 1.5
    assert row.after == pytest.approx(-10 * math.log10(row.mse))


def test_relative_errors_count_by_the_noise_there_was() -> None:
    crops = draw_crops([discs(4)], CropSettings(side=24, batch=4, circle=0), 0, 0)

    def loss(low_noise: float | None) -> float:
        torch.manual_seed(0)
        return find_gradient(denoiser_trainee(DnCNN(), 9), crops, low_noise=low_noise, mixed=False)

    assert loss(1e6) == pytest.approx(loss(None), rel=1e-5)
    torch.manual_seed(0)
    with torch.no_grad():
        errors = (DnCNN()(crops.noisy) - crops.clean).square()
        weights = 0.02**2 / (0.02**2 + crops.sigma**2)
    assert loss(0.02) == pytest.approx(float((weights * errors).mean()), rel=1e-5)
