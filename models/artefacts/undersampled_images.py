"""Images measured by drawn patterns of sampling, on which networks learn to take artefacts out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.denoisers.draws import between, integer, step_generator
from proxflow.models.denoisers.noisy_crops import (
    Subject,
    drawn_image,
    drawn_subjects,
    drawn_window,
    padded,
    turned,
)
from proxflow.models.diffusion.smooth_phase import smooth_phase
from proxflow.models.methods.network_guess import weighted_samples
from proxflow.operators.base import LinearOperator

Pattern = Callable[[int], LinearOperator]  # the measurement that a seed draws, of one coil

UNIT = 0.6  # of the zero-filled peak: what it shows darker than it is, small and bright, stays below 1
GAMMA = 0.8, 1.25  # powers of the magnitude, so that contrasts are met that few subjects have
SEEDS = 2**31
LEAST = 1e-12  # of a peak: an image of zeros stays one


@dataclass(frozen=True)
class UndersamplingSettings:
    """How images are drawn: ``side`` pixels wide, ``batch`` at a time, ``is_complex`` with a smooth phase.

    fixed: every pattern is drawn once, as published, and not anew for every image.
    """

    side: int
    batch: int = 1
    is_complex: bool = True
    fixed: bool = False


class Undersampled(NamedTuple):
    """What a network sees and what it shall make of it: float32 (n, 1, side, side)."""

    seen: Tensor
    wanted: Tensor


def in_networks_unit(operator: LinearOperator, image: Tensor) -> Undersampled:
    """b = A^H W A x with W as in ``reconresnet``, then, with p = max |b|,

        seen = |b| / p,   wanted = min(0.6 |x| / p, 1)

    Both have one unit, of measured data alone; the published code divides each by its own maximum. What the
    factor is does not matter in use, where the samples tell the unit of what the network made.

    image: complex (side, side). Returns (1, 1, side, side).
    """
    weighted, samples = weighted_samples(operator, operator.forward(image))
    magnitude = weighted.adjoint(samples).abs()
    peak = magnitude.max().clamp_min(LEAST)
    wanted = (UNIT * image.abs() / peak).clamp_max(1)
    return Undersampled((magnitude / peak)[None, None], wanted[None, None])


def draw_object(subject: Subject, settings: UndersamplingSettings, rng: torch.Generator) -> Tensor:
    """Complex (side, side), of a peak of about 1: a slice, a size and a square that holds a pixel of the
    object are drawn; turned or flipped, the magnitude to the power of U(0.8, 1.25), with a smooth phase
    where complex. Images narrower than the square lie in the middle of zeros."""
    image = padded(drawn_image(subject, rng), settings.side)
    square = turned(image[drawn_window(image, settings.side, rng)][None], rng)[0]
    magnitude = square.clamp_min(0) ** between(GAMMA, rng)
    phase = smooth_phase(settings.side, rng) if settings.is_complex else torch.zeros_like(magnitude)
    return torch.polar(magnitude, phase)


def draw_undersampled(
    subjects: Sequence[Subject],
    patterns: Sequence[Pattern],
    settings: UndersamplingSettings,
    seed: int,
    step: int,
) -> Undersampled:
    """What one step sees, decided by (seed, step) alone: for each image a subject, by the root of its number
    of slices, and one of ``patterns``, all alike."""
    rng = step_generator(seed, step)
    drawn = []
    for subject in drawn_subjects(subjects, settings.batch, rng):
        image = draw_object(subject, settings, rng)
        pattern = patterns[integer(len(patterns), rng)]
        drawn.append(in_networks_unit(pattern(0 if settings.fixed else integer(SEEDS, rng)), image))
    return Undersampled(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))
