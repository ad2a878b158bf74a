"""A network for volumes before the first step."""

from __future__ import annotations

from collections.abc import Callable

import torch

from proxflow.configs.volume_training import VolumeTraining
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.trainee import Trainee, new_trainee
from proxflow.models.networks.unet3d import UNet3d


def volume_trainee(make: Callable[[], UNet3d], config: VolumeTraining, device: str) -> Trainee:
    """With weights drawn by the seed, on ``device``, in the order of memory that is fastest on CPUs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = make()
    network = channels_last(network.to(device), 3)
    return new_trainee(
        network,
        config.steps,
        rate=config.learning_rate,
        decay=config.decay,
        weight_decay=config.weight_decay,
    )
