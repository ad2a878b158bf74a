"""The images of a diffusion prior's training, in the unit the sampler works in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proxflow.configs.diffusion_training import DiffusionTraining
from proxflow.models.diffusion.noisy_images import in_unit
from proxflow.tasks.denoiser_training.load import TrainingImages, load_enough_images


def load_prior_images(sources: Sequence[str], config: DiffusionTraining) -> TrainingImages:
    """``load_enough_images``, in the sampler's unit."""
    images = load_enough_images(sources, config)
    trained, apart = (tuple(map(in_unit, part)) for part in (images.trained, images.kept_apart))
    return replace(images, trained=trained, kept_apart=apart)
