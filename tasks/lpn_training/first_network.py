"""A learned proximal network before the first step of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proxflow.configs.lpn_training import LpnTraining
from proxflow.models.learned_prox.stages import Stage
from proxflow.models.learned_prox.training import lpn_trainee
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_alpha import with_alpha
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.models.networks.trainee import Trainee
from proxflow.tasks.lpn_networks import open_lpn
from proxflow.tasks.network_training.start import check_same


def network_settings(config: LpnTraining) -> IcnnSettings:
    """Of the network that ``config`` asks for."""
    return IcnnSettings(
        config.network,
        channels=config.channels,
        side=config.side,
        hidden=config.hidden,
        beta=config.beta,
        alpha=config.alpha,
    )


def first_trainee(config: LpnTraining, stages: Sequence[Stage], device: str) -> Trainee:
    """With weights drawn by the seed or of the file to start with, whatever its alpha (``with_alpha``).

    Raises RequestError where the file is not one of that network.
    """
    settings = network_settings(config)
    if config.start:
        given = open_lpn(config.start, what="start").network
        check_same(replace(given.settings, alpha=settings.alpha), settings)
        network = with_alpha(given, settings.alpha).requires_grad_(True)
    else:
        network = drawn_network(lambda: Icnn(settings), config.seed)
    return lpn_trainee(channels_last(network.to(device)), stages, config.decay)
