"""The moving average of a network's weights over a training."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """m <- d m + (1 - d) w after step n = 1, 2, ... with d = min(decay, (1 + n) / (10 + n)).

    m is a mean over about the last 1 / (1 - d) steps: a ninth of all until d reaches decay (0.9995 after
    18 000 steps), so that the first weights are soon forgotten. It has not the noise of single steps, and is
    what diffusion models are judged and used by. Buffers are taken as they are.

    Attributes:
        network: with the weights m, for evaluation; without gradients.
    Source: as in Ho, Jain & Abbeel, NeurIPS 2020, who have no warm-up; that of Song et al., ICLR 2021.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """Take in the weights after ``step`` steps, 1 at first."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        for mean, weight in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(weight, share)
        for copied, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            copied.copy_(buffer)
