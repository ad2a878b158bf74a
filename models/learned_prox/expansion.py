"""How much a learned proximal operator enlarges differences, along the directions that it enlarges most."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from proxflow.models.denoisers.draws import integer

N_POWER = 6  # steps towards the direction of the largest gain
LEAST, MOST = 2 / 3, 0.3  # root mean squares of differences: least, in noise's std, and greatest
PERIODS = (2, 4, 8)  # of strides that a network has, in pixels: what it may repeat


def reach_of(sigma: float) -> tuple[float, float]:
    """Root mean squares of the differences whose gains are penalised in a training for noise of ``sigma``:
    those that come to an end below its noise are left alone."""
    return min(LEAST * sigma, MOST), MOST


def largest_gains(
    network: nn.Module,
    y: Tensor,
    found: Tensor,
    rng: torch.Generator,
    *,
    reach: tuple[float, float],
    n_power: int = N_POWER,
) -> Tensor:
    """|f(y + d) - f(y)| / |d| of each image: (n,), differentiable in the weights.

        d <- a (f(y + d) - f(y)) / |f(y + d) - f(y)|,   a = sqrt(N) exp U(log low, log high)

    ``n_power`` times, (low, high) = ``reach`` being root mean squares, N the numbers of an image: a power
    iteration for the mean of the Jacobian along d, which is symmetric and positive semi-definite. It starts
    from a random tile of 2, 4 or 8 pixels that is repeated, under white noise of a third: patterns as
    networks with strides enlarge are found within few steps. Where no gain is above 1, f is 1-Lipschitz, its
    prior R convex, and no pattern grows as f is applied again and again.
    Source of the penalty on such gains: Pesquet, Repetti, Terris & Wiaux, SIAM J. Imaging Sci. 14 (2021), who
    bound the Jacobian at single points; differences of finite size, and tiles, are ours.

    y: (n, channels, side, side), of any size.  found: f(y), with its graph.
    """
    least, most = map(math.log, reach)
    drawn = torch.rand(len(y), 1, 1, 1, generator=rng)
    size = math.sqrt(y[0].numel()) * torch.exp(least + (most - least) * drawn)
    size, d = size.to(y.device), _first(y, rng).to(y.device)
    d = size * _unit(d)
    with torch.no_grad():
        for _ in range(n_power):
            d = size * _unit(network(y + d) - found)
    return torch.linalg.vector_norm((network(y + d) - found).flatten(1), dim=1) / size.flatten()


def _first(y: Tensor, rng: torch.Generator) -> Tensor:
    """A repeated tile and a third of white noise, for each image."""
    n, channels, *sides = y.shape
    images = []
    for _ in range(n):
        period = PERIODS[integer(len(PERIODS), rng)]
        tile = torch.randn((channels, period, period), generator=rng)
        images.append(tile.tile(1, *(-(-side // period) for side in sides))[:, : sides[0], : sides[1]])
    return torch.stack(images) + torch.randn(y.shape, generator=rng) / 3


def _unit(d: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(d.flatten(1), dim=1).clamp_min(torch.finfo(d.dtype).tiny)
    return d / norm[:, None, None, None]
