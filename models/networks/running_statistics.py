"""Batch normalisation whose statistics stay what they are in the last part of a training."""

from __future__ import annotations

from torch.nn.modules.batchnorm import _BatchNorm

from proxflow.models.networks.trainee import Trainee


def train_mode(trainee: Trainee, frozen: float) -> None:
    """Set the network to learn the next step, batch normalisation by running statistics in the ``frozen``
    last part of all steps, as in use, and by those of each batch before.

    Batches of scenes differ much, as targets fill 1 % or 10 % of one. A network that met their own statistics
    alone learns to count on them, and is off where they are gone.
    """
    trainee.network.train()
    if trainee.step >= trainee.n_steps - round(frozen * trainee.n_steps):
        for module in trainee.network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
