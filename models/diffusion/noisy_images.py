"""Images at drawn noise levels, on which a diffusion prior is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.calibration.image_unit import bright
from proxflow.models.denoisers.draws import between, step_generator
from proxflow.models.denoisers.noisy_crops import (
    Subject,
    drawn_image,
    drawn_subjects,
    drawn_window,
    padded,
    turned,
)
from proxflow.models.diffusion.network_priors import as_channels
from proxflow.models.diffusion.noise_levels import NoiseLevel, vp_levels
from proxflow.models.diffusion.smooth_phase import smooth_phase

BRIGHTNESS = 0.8, 1.0  # in use the unit is found in measurements, so it is not met exactly


@dataclass(frozen=True)
class ImageSettings:
    """How images are drawn: ``side`` pixels wide, ``batch`` at a time, ``is_complex`` with a smooth phase."""

    side: int
    batch: int
    is_complex: bool


class NoisyImages(NamedTuple):
    """x_t = signal x_0 + noise eps, eps, and v = signal eps - noise x_0: float32 (n, channels, y, x).

    times: t, float32 (n,).
    """

    noisy: Tensor
    noise: Tensor
    velocity: Tensor
    times: Tensor


def in_unit(subject: Subject, most: float = 1.0) -> Subject:
    """Every image divided by its own ``bright``, which is what ``image_unit`` finds where a prior is used,
    and clipped at ``most``."""
    slices = tuple(
        tuple((image / float(bright(image, 2))).clamp(0, most) for image in sizes) for sizes in subject.slices
    )
    return Subject(subject.name, slices)


def draw_images(subjects: Sequence[Subject], settings: ImageSettings, rng: torch.Generator) -> Tensor:
    """Of a subject, drawn by the root of its number of slices, a slice, a size and a square that holds a
    pixel of its object; turned or flipped, of a brightness of U(0.8, 1), with a smooth phase where complex.

    subjects: ``in_unit``. Images narrower than the square lie in the middle of zeros.
    Returns float32 or complex64 (batch, side, side), magnitudes from 0 to 1, or to where ``in_unit`` clipped.
    """
    images = [
        _drawn(subject, settings.side, rng) for subject in drawn_subjects(subjects, settings.batch, rng)
    ]
    if not settings.is_complex:
        return torch.stack(images)
    return torch.stack([torch.polar(image, smooth_phase(settings.side, rng)) for image in images])


def draw_noisy(subjects: Sequence[Subject], settings: ImageSettings, seed: int, step: int) -> NoisyImages:
    """What one step sees, decided by (seed, step) alone: ``draw_images``, t uniform over 0 to 999, eps of
    unit variance in every channel."""
    rng = step_generator(seed, step)
    clean = channels_of(draw_images(subjects, settings, rng))
    levels = vp_levels()
    times = torch.randint(len(levels), (len(clean),), generator=rng)
    noise = torch.randn(clean.shape, generator=rng)
    return at_levels(clean, noise, [levels[t] for t in times.tolist()])


def at_levels(clean: Tensor, noise: Tensor, levels: Sequence[NoiseLevel]) -> NoisyImages:
    """``clean``, float32 (n, channels, y, x), with noise of the level of each."""
    signal, share = (
        torch.tensor([getattr(level, name) for level in levels])[:, None, None, None]
        for name in ("signal", "noise")
    )
    times = torch.tensor([level.time for level in levels])
    return NoisyImages(signal * clean + share * noise, noise, signal * noise - share * clean, times)


def channels_of(images: Tensor) -> Tensor:
    """(n, y, x) as (n, 1, y, x), or (n, 2, y, x), real and imaginary part."""
    return as_channels(images, 2 if images.is_complex() else 1).contiguous()


def _drawn(subject: Subject, side: int, rng: torch.Generator) -> Tensor:
    image = padded(drawn_image(subject, rng), side)
    square = turned(image[drawn_window(image, side, rng)][None], rng)[0]
    return square * between(BRIGHTNESS, rng)
