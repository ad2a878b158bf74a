"""A network against artefacts before the first step of a training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from proxflow.configs.reconresnet_training import ReconResNetTraining
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.reconresnet_settings import ReconResNetSettings
from proxflow.models.networks.trainee import Trainee, new_trainee
from proxflow.models.networks.unet2d import UNet2d, UNet2dSettings
from proxflow.models.networks.weight_average import WeightAverage
from proxflow.tasks.artefact_networks import artefact_network
from proxflow.tasks.errors import RequestError
from proxflow.tasks.network_training.start import check_same


def network_settings(config: ReconResNetTraining) -> ReconResNetSettings | UNet2dSettings:
    """Of the architecture asked for."""
    if config.architecture == "unet":
        return UNet2dSettings(width=config.channels)
    blocks, dropout, skips = config.residual
    return ReconResNetSettings(n_blocks=blocks, width=config.channels, dropout=dropout, skips=skips)


def artefact_trainee(config: ReconResNetTraining, device: str) -> Trainee:
    """With weights drawn by the seed or of the file to start with, and their average; Adam, as published.

    Raises RequestError where the file is not one of that network.
    """
    settings = network_settings(config)
    if config.start:
        network = _started(Path(config.start).expanduser(), settings)
    elif isinstance(settings, UNet2dSettings):
        network = drawn_network(lambda: UNet2d(settings), config.seed)
    else:
        network = drawn_network(lambda: ReconResNet(settings), config.seed)
    network = channels_last(network.to(device))
    trainee = new_trainee(
        network, config.steps, rate=config.learning_rate, decay=config.decay, weight_decay=0.0
    )
    trainee.average = WeightAverage(network, config.average)
    return trainee


def _started(path: Path, wanted: ReconResNetSettings | UNet2dSettings) -> ReconResNet | UNet2d:
    """The file's network, which may have been trained with another dropout."""
    network, _ = artefact_network(path, what="start")
    if type(network.settings) is not type(wanted):
        kind = "U-Net" if isinstance(wanted, UNet2dSettings) else "ReconResNet"
        raise RequestError(f"start must be weights of a {kind}, got those of a {type(network).__name__}")
    check_same(replace(network.settings, dropout=wanted.dropout), wanted)
    own = type(network)(wanted)  # type: ignore[arg-type]
    own.load_state_dict(network.state_dict())
    return own
