"""The images of a prior's training, in the unit that methods give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proxflow.models.diffusion.noisy_images import in_unit
from proxflow.tasks.denoiser_training.load import ImageRequest, TrainingImages, load_enough_images


def load_prior_images(sources: Sequence[str], config: ImageRequest, most: float = 1.0) -> TrainingImages:
    """``load_enough_images``, in the sampler's unit; those that are trained on are clipped at ``most``, those
    kept apart at 1, so that figures of them compare."""
    images = load_enough_images(sources, config)
    trained = tuple(in_unit(subject, most) for subject in images.trained)
    apart = tuple(map(in_unit, images.kept_apart))
    return replace(images, trained=trained, kept_apart=apart)
