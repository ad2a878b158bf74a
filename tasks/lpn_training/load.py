"""The images of a learned proximal network's training."""

from __future__ import annotations

from collections.abc import Sequence

from proxflow.configs.lpn_training import LpnTraining
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.diffusion_training.load import load_prior_images


def load_lpn_images(sources: Sequence[str], config: LpnTraining) -> TrainingImages:
    """``load_prior_images``; those that are trained on keep what is brighter than 1, as far as ``beyond``."""
    return load_prior_images(sources, config, 1 + config.beyond)
