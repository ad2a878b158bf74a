"""How much a learned proximal operator enlarges differences, along the directions that it enlarges most."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

N_POWER = 4  # steps towards the direction of the largest gain
REACH = (0.01, 0.2)  # root mean square of a difference, least and greatest


def largest_gains(network: nn.Module, y: Tensor, found: Tensor, rng: torch.Generator) -> Tensor:
    """|f(y + d) - f(y)| / |d| of each image: (n,), differentiable in the weights.

        d <- a (f(y + d) - f(y)) / |f(y + d) - f(y)|,   a = sqrt(N) U(0.01, 0.2),   from a random d

    four times, N being the numbers of an image. It is a power iteration for the mean of the Jacobian along d,
    which is symmetric and positive semi-definite. Where no gain is above 1, f is 1-Lipschitz, its prior R
    convex, and no pattern grows as f is applied again and again.
    Source of the penalty on such gains: Pesquet, Repetti, Terris & Wiaux, SIAM J. Imaging Sci. 14 (2021), who
    bound the Jacobian at single points; differences of finite size are ours.

    y: (n, channels, side, side).  found: f(y), with its graph.
    """
    least, most = REACH
    drawn = torch.rand(len(y), 1, 1, 1, generator=rng)
    size = (math.sqrt(y[0].numel()) * (least + (most - least) * drawn)).to(y.device)
    d = size * _unit(torch.randn(y.shape, generator=rng).to(y.device))
    with torch.no_grad():
        for _ in range(N_POWER):
            d = size * _unit(network(y + d) - found)
    return torch.linalg.vector_norm((network(y + d) - found).flatten(1), dim=1) / size.flatten()


def _unit(d: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(d.flatten(1), dim=1).clamp_min(torch.finfo(d.dtype).tiny)
    return d / norm[:, None, None, None]
