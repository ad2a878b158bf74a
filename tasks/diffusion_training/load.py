"""The images of a prior's training, in the unit that methods give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proxflow.models.diffusion.noisy_images import in_unit
from proxflow.tasks.denoiser_training.load import ImageRequest, TrainingImages, load_images
from proxflow.tasks.errors import RequestError

LEAST_SLICES = 8  # to train on: of fewer no network learns but these


def load_prior_images(sources: Sequence[str], config: ImageRequest) -> TrainingImages:
    """``load_images``, ``in_unit``; RequestError, too, on fewer than 8 slices to train on."""
    images = load_images(sources, config)
    n = sum(len(subject.slices) for subject in images.trained)
    if n < LEAST_SLICES:
        raise RequestError(f"images must show at least {LEAST_SLICES} slices to train on, got {n}")
    trained, apart = (tuple(map(in_unit, part)) for part in (images.trained, images.kept_apart))
    return replace(images, trained=trained, kept_apart=apart)
