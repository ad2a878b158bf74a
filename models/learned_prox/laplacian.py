"""A prior one can write down, learned: numbers x of density exp(-|x|) / 2, seen with noise of std 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from proxflow.models.learned_prox.stages import Stage, stage_loss
from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import LPN_DENSE

Estimate = Literal["mean", "median", "matching"]

L2_STAGES = (Stage("l2", 1e-3, 10_000), Stage("l2", 1e-4, 10_000))
L1_STAGES = (Stage("l1", 1e-3, 10_000), Stage("l1", 1e-4, 10_000))
MATCHING_STAGES = (  # from the network of L1_STAGES, and with its optimiser's state
    Stage("matching", 1e-3, 2_000, 0.5),
    Stage("matching", 1e-4, 2_000, 0.5),
    Stage("matching", 1e-4, 4_000, 0.4),
    Stage("matching", 1e-4, 4_000, 0.3),
    Stage("matching", 1e-5, 4_000, 0.2),
    Stage("matching", 1e-5, 4_000, 0.1),
    Stage("matching", 1e-6, 4_000, 0.1),
)


class LaplacianTraining:
    """A dense input-convex network that learns x from y = x + v, x ~ Laplace(0, 1), v ~ N(0, 1).

    Each step draws a fresh batch from ``seed``, follows the gradient by Adam, and clamps the weights.
    Source: the one-dimensional experiment of Fang, Buchanan & Sulam, ICLR 2024, and its stages.
    """

    def __init__(self, *, batch: int = 2000, seed: int = 0) -> None:
        self.network = drawn_network(lambda: Icnn(LPN_DENSE), seed)
        self.optimiser = torch.optim.Adam(self.network.parameters())
        self.batch = batch
        self.rng = torch.Generator().manual_seed(seed)

    def run(self, stages: Sequence[Stage]) -> None:
        """Go through ``stages``, from the weights and the optimiser's state as they are."""
        for stage in stages:
            for group in self.optimiser.param_groups:
                group["lr"] = stage.rate
            for _ in range(stage.n_steps):
                self._step(stage)

    def _step(self, stage: Stage) -> None:
        signs = torch.randint(0, 2, (self.batch, 1), generator=self.rng) * 2 - 1
        clean = signs * torch.empty(self.batch, 1).exponential_(generator=self.rng)
        found = self.network(clean + torch.randn(self.batch, 1, generator=self.rng))
        self.optimiser.zero_grad()
        stage_loss(stage, found, clean).backward()
        self.optimiser.step()
        self.network.project_()


@torch.no_grad()
def learned_curves(network: Icnn, y: Tensor) -> tuple[Tensor, Tensor]:
    """f(y) and R(f(y)) of numbers y (n,), R shifted so that its least value here is 0."""
    image, potential = network.evaluated(y[:, None])
    x = image[:, 0]
    prior = x * y - x**2 / 2 - potential
    return x, prior - prior.min()


def exact_estimate(y: Tensor, estimate: Estimate, gamma: float = 0.0) -> Tensor:
    """What the losses' minimisers are at y (n,), float64: mean (l2) and median (l1) of the posterior, and

        argmax_z integral exp(-(z - x)^2 / gamma^2) p(x | y) dx     (proximal matching with gamma)

    by quadrature. As gamma goes to 0 the last is the soft threshold sign(y) max(|y| - 1, 0).
    """
    x = torch.linspace(-12, 12, 6_001, dtype=torch.float64)  # steps of 0.004
    y = y.double()
    weight = torch.exp(-x.abs() - (y[:, None] - x) ** 2 / 2)
    weight = weight / weight.sum(1, keepdim=True)
    if estimate == "mean":
        return weight @ x
    if estimate == "median":
        below = weight.cumsum(1) - weight / 2
        k = (below < 0.5).sum(1)
        at = below.gather(1, torch.stack([k - 1, k], 1))
        return x[k - 1] + (x[k] - x[k - 1]) * (0.5 - at[:, 0]) / (at[:, 1] - at[:, 0])
    return torch.stack([_blurred_mode(float(at), x, one, gamma) for at, one in zip(y, weight, strict=True)])


def _blurred_mode(y: float, x: Tensor, weight: Tensor, gamma: float) -> Tensor:
    """argmax_z sum_x exp(-(z - x)^2 / gamma^2) weight, on a grid from 0 to y and one around its best."""
    found = x.new_tensor(y / 2)
    for reach, n in ((abs(y) / 2, 201), (abs(y) / 200, 101)):
        z = found + reach * torch.linspace(-1, 1, n, dtype=torch.float64)
        found = z[(torch.exp(-(((z[:, None] - x) / gamma) ** 2)) @ weight).argmax()]
    return found
