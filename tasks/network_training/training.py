"""What a training of a network is, to the loop that carries it out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import nn

from proxflow.configs.base import Part
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.trainee import Trainee
from proxflow.tasks.network_training.history import History


@dataclass(frozen=True)
class Trained:
    """A training that is done, and the command that asks for it; ``network``: ``Trainee.result``."""

    network: nn.Module
    history: History
    command: str


class Training(Protocol):
    """A network, what its steps are made of, what is measured of it, and what it leaves."""

    @property
    def digest(self) -> str:
        """Of the data and all numbers: a checkpoint belongs to the training that has its digest."""

    @property
    def judge_every(self) -> int:
        """Steps after which the network is judged; it is at the end in any case."""

    def begin(self, device: str) -> Trainee:
        """Network and optimiser before the first step, decided by the seed."""

    def find_gradient(self, trainee: Trainee) -> float:
        """The gradient of step ``trainee.step`` into the weights' ``grad``; its loss.

        Decided by the weights, the buffers and the number of the step. Of the network it changes buffers
        alone.
        """

    def judge(self, network: nn.Module) -> list[Judged]:
        """At every level, on what is never trained on, always the same; the network stays as it is."""

    def write(self, folder: Path, trained: Trained) -> Path:
        """Weights, card, figures and pictures into ``folder``; the path of the weights."""


def training_digest(config: Part, data: str = "") -> str:
    """Of all numbers of a training; ``data``: a digest of its data, where these are not drawn."""
    text = f"{data} {config.model_dump_json()}" if data else config.model_dump_json()
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
