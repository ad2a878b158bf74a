"""A network for volumes before the first step of a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proxflow.configs.volume_training import VolumeTraining
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.trainee import Trainee, new_trainee
from proxflow.models.networks.unet3d import UNet3d
from proxflow.tasks.volume_networks import open_volume_network


def volume_trainee(make: Callable[[], UNet3d], config: VolumeTraining, device: str) -> Trainee:
    """With weights drawn by the seed or of the file to start with, on ``device``, in the order of memory that
    is fastest on CPUs. RequestError where the file is not one of that network.
    """
    if config.start:
        network = open_volume_network(Path(config.start).expanduser(), "start", config.network)[0]
    else:
        network = drawn_network(make, config.seed)
    network = channels_last(network.to(device), 3)
    return new_trainee(
        network,
        config.steps,
        rate=config.learning_rate,
        decay=config.decay,
        weight_decay=config.weight_decay,
    )
