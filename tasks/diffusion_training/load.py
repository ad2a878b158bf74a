"""The images of a prior's training, in the unit that methods give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proxflow.models.diffusion.noisy_images import in_unit
from proxflow.tasks.denoiser_training.load import ImageRequest, TrainingImages, load_enough_images


def load_prior_images(sources: Sequence[str], config: ImageRequest) -> TrainingImages:
    """``load_enough_images``, in the sampler's unit."""
    images = load_enough_images(sources, config)
    trained, apart = (tuple(map(in_unit, part)) for part in (images.trained, images.kept_apart))
    return replace(images, trained=trained, kept_apart=apart)
