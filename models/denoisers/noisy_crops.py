"""Pairs of clean and noisy crops on which a denoiser is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from proxflow.models.denoisers.draws import between, integer, step_generator, uniform, window
from proxflow.models.denoisers.turns import turned_by

OBJECT = 0.05  # of the peak: what is brighter belongs to the object


@dataclass(frozen=True)
class Subject:
    """Slices of one subject, each in one or more sizes: float32 (y, x) with a peak of about 1."""

    name: str
    slices: tuple[tuple[Tensor, ...], ...]


@dataclass(frozen=True)
class CropSettings:
    """How crops are drawn; lengths in pixels, noise as a part of the object's peak."""

    side: int = 64
    batch: int = 8
    sigma_high: float = 0.1
    brightness: tuple[float, float] = (0.8, 1.25)  # a user's peak is estimated, so it is not met exactly
    circle: float = 0.5  # of the crops are cut by the circle a tomograph sees


@dataclass(frozen=True)
class Crops:
    """clean, noisy, mask: float32 (batch, 1, side, side); the mask is 1 inside the field of view.

    sigma: (batch, 1, 1, 1), the noise's std.
    """

    clean: Tensor
    noisy: Tensor
    mask: Tensor
    sigma: Tensor


def draw_crops(subjects: Sequence[Subject], settings: CropSettings, seed: int, step: int) -> Crops:
    """The crops of one step, decided by (seed, step) alone: a training that goes on draws what it would have.

    noisy = mask (clean + sigma n), n ~ N(0, 1), sigma ~ U(0, sigma_high) for every crop. A subject is drawn
    by the root of its number of slices, then one of its slices, one of its sizes, a pixel of its object and a
    crop that holds it; then flips, a quarter turn and a brightness.

    Source: the training script of the authors' RSR-NF (2025), which draws sigma once a batch, as a part of
    the batch's maximum.
    """
    rng = step_generator(seed, step)
    pairs = [_crop(subject, settings, rng) for subject in drawn_subjects(subjects, settings.batch, rng)]
    clean = torch.stack([pair[0] for pair in pairs])[:, None]
    mask = torch.stack([pair[1] for pair in pairs])[:, None]
    sigma = settings.sigma_high * torch.rand(settings.batch, 1, 1, 1, generator=rng)
    noise = torch.randn(clean.shape, generator=rng)
    return Crops(clean * mask, (clean + sigma * noise) * mask, mask, sigma)


def drawn_subjects(subjects: Sequence[Subject], n: int, rng: torch.Generator) -> list[Subject]:
    """n of them, each drawn by the root of its number of slices."""
    weights = torch.tensor([math.sqrt(len(subject.slices)) for subject in subjects])
    return [subjects[i] for i in torch.multinomial(weights, n, replacement=True, generator=rng).tolist()]


def drawn_image(subject: Subject, rng: torch.Generator) -> Tensor:
    """One of its slices in one of its sizes."""
    sizes = subject.slices[integer(len(subject.slices), rng)]
    return sizes[integer(len(sizes), rng)]


def drawn_window(image: Tensor, side: int, rng: torch.Generator) -> tuple[slice, ...]:
    """A square that holds a pixel of the object, drawn; ``image``: (y, x), at least ``side`` pixels wide."""
    inside = torch.nonzero(image > OBJECT)
    pixel = inside[integer(len(inside), rng)].tolist() if len(inside) else [0, 0]
    return tuple(window(p, n, side, rng) for p, n in zip(pixel, image.shape, strict=True))


def turned(images: Tensor, rng: torch.Generator) -> Tensor:
    """Images (n, y, x), all in one of the eight ways a square lies."""
    turns, flip = integer(4, rng), integer(2, rng)
    return turned_by(images, turns + 4 * flip)


def _crop(subject: Subject, settings: CropSettings, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    image = drawn_image(subject, rng)
    image, mask = padded(image, settings.side), padded(field_of_view(image), settings.side)
    part = drawn_window(image, settings.side, rng)
    crop = image[part] * between(settings.brightness, rng)
    seen = mask[part] if uniform(rng) < settings.circle else torch.ones_like(crop)
    pair = turned(torch.stack([crop, seen]), rng)
    return pair[0], pair[1]


def field_of_view(image: Tensor) -> Tensor:
    """1 within the largest circle about the image's centre, 0 outside; the image's shape and dtype."""
    ny, nx = image.shape
    y = torch.arange(ny)[:, None] - ny // 2
    x = torch.arange(nx)[None] - nx // 2
    return ((y**2 + x**2) * 4 < min(ny, nx) ** 2).to(image.dtype)


def padded(image: Tensor, side: int) -> Tensor:
    """(y, x) in the middle of zeros, where it is narrower than ``side``."""
    ny, nx = (max(side - n, 0) for n in image.shape)
    return torch.nn.functional.pad(image, (nx // 2, nx - nx // 2, ny // 2, ny - ny // 2))
