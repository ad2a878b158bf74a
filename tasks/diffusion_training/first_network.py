"""A diffusion prior's network before the first step of a training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from proxflow.configs.diffusion_training import DiffusionTraining
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.diffusion_settings import SMALL, DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.trainee import Trainee, new_trainee
from proxflow.models.networks.weight_average import WeightAverage
from proxflow.tasks.diffusion_networks import open_diffusion_unet
from proxflow.tasks.network_training.start import check_same

WEIGHT_DECAY = 0.01


def network_settings(config: DiffusionTraining) -> DiffusionUnetSettings:
    """The small network, for real images (ct) or complex ones (mri)."""
    n = 1 if config.kind == "ct" else 2
    return replace(
        SMALL,
        image_size=config.side,
        in_channels=n,
        out_channels=n,
        width=config.channels,
        predicts=config.predicts,
    )


def prior_trainee(config: DiffusionTraining, device: str) -> Trainee:
    """With weights drawn by the seed or of the file to start with, and their average.

    Raises RequestError where the file is not one of that network.
    """
    settings = network_settings(config)
    if config.start:
        network = _started(Path(config.start).expanduser(), settings)
    else:
        network = drawn_network(lambda: DiffusionUnet(settings), config.seed)
    network = channels_last(network.to(device))
    trainee = new_trainee(
        network, config.steps, rate=config.learning_rate, decay=config.decay, weight_decay=WEIGHT_DECAY
    )
    trainee.average = WeightAverage(network, config.average)
    return trainee


def _started(path: Path, wanted: DiffusionUnetSettings) -> DiffusionUnet:
    network = open_diffusion_unet(path, what="start")
    check_same(replace(network.settings, image_size=wanted.image_size), wanted)
    return network.requires_grad_(True)
