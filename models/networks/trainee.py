"""A network in training: its optimiser, its learning rate, and a step of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from proxflow.models.networks.weight_average import WeightAverage

WARM_UP = 50  # steps; without them the first ones may throw the network far off


@dataclass
class Trainee:
    """A network, its optimiser, and how many steps of how many are done.

    rate_of: the learning rate of step 0, 1, ...
    project: brings weights that a step left where they must not be back to the nearest that may be.
    buffers: of the network after its last whole step. A gradient changes them (the running statistics of
    batch normalisation) before the weights follow it.
    average: of the weights over the steps, where the training wants one.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    n_steps: int
    rate_of: Callable[[int], float]
    project: Callable[[], None] = lambda: None
    step: int = 0
    buffers: dict[str, Tensor] = field(default_factory=dict)
    average: WeightAverage | None = None

    @property
    def result(self) -> nn.Module:
        """What the training gives, as far as it is: the network, or its average."""
        return self.average.network if self.average else self.network


def new_trainee(
    network: nn.Module, n_steps: int, *, rate: float, decay: float, weight_decay: float = 0.01
) -> Trainee:
    """Before the first step, with AdamW (Loshchilov & Hutter, ICLR 2019); see ``learning_rate``."""

    def rate_of(step: int) -> float:
        return learning_rate(step, n_steps, rate=rate, decay=decay)

    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=weight_decay)
    return trainee_of(network, optimiser, n_steps, rate_of)


def trainee_of(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    n_steps: int,
    rate_of: Callable[[int], float],
    project: Callable[[], None] = lambda: None,
) -> Trainee:
    """Before the first step; the optimiser is of Adam's kind, whose moments checkpoints keep."""
    return Trainee(network, optimiser, n_steps, rate_of, project, buffers=_copies(network))


def learning_rate(step: int, n_steps: int, *, rate: float, decay: float) -> float:
    """Of step 0, 1, ... of ``n_steps``: rising to ``rate`` over 50 steps, flat, then ``falling``."""
    rise = min((step + 1) / WARM_UP, 1.0)
    return rate * rise * falling(step, n_steps, decay)


def falling(step: int, n_steps: int, decay: float) -> float:
    """1, and over the last ``decay`` of all steps from there to 0 along half a cosine."""
    into = max(step / n_steps - (1 - decay), 0.0) / decay if decay else 0.0
    return 0.5 * (1 + math.cos(math.pi * into))


def follow_gradient(trainee: Trainee) -> None:
    """One step of the optimiser, and the projection. Interrupted in its middle, it leaves
    weights of no step."""
    for group in trainee.optimiser.param_groups:
        group["lr"] = trainee.rate_of(trainee.step)
    trainee.optimiser.step()
    trainee.project()
    trainee.buffers = _copies(trainee.network)
    trainee.step += 1
    if trainee.average:
        trainee.average.follow(trainee.network, trainee.step)


def forget_gradient(trainee: Trainee) -> None:
    """Buffers as after the last whole step, where a gradient was found, or begun, and not followed."""
    with torch.no_grad():
        for name, buffer in trainee.network.named_buffers():
            buffer.copy_(trainee.buffers[name])


def place_at(trainee: Trainee, step: int) -> None:
    """Take the network as it is now as that of ``step`` whole steps."""
    trainee.step, trainee.buffers = step, _copies(trainee.network)


def _copies(network: nn.Module) -> dict[str, Tensor]:
    return {name: buffer.clone() for name, buffer in network.named_buffers()}
