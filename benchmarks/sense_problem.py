"""The synthetic multi-coil problem that the benchmarks share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class SenseProblem(NamedTuple):
    """x complex64 (n, n); mask bool (n, n); coil_maps complex64 (coil, n, n), root sum of squares 1."""

    x: Tensor
    mask: Tensor
    coil_maps: Tensor


def sense_problem(n_coils: int, n: int, kind: str = "points", acceleration: float = 4.0) -> SenseProblem:
    """Gaussian coils round a disc with structure; ``kind`` of mask: "points", "kx lines" or "ky lines".

    The mask is random, fully sampled in the 24 central points or lines.
    """
    generator = torch.Generator().manual_seed(1)
    axis = torch.linspace(-1, 1, n)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    angles = torch.arange(n_coils)[:, None, None] * (2 * torch.pi / n_coils)
    distance = (y - angles.sin()) ** 2 + (x - angles.cos()) ** 2
    maps = torch.polar(torch.exp(-distance), angles + 0.5 * x * angles.cos())
    maps = maps / maps.abs().square().sum(0).sqrt()
    disc = (y**2 + x**2 < 0.7).float()
    image = torch.polar(disc * (1 + 0.3 * torch.sin(25 * x) * torch.cos(18 * y)), 0.8 * y)
    chance = {"points": torch.rand(n, n, generator=generator)}
    chance["kx lines"] = torch.rand(1, n, generator=generator).expand(n, n)
    chance["ky lines"] = torch.rand(n, 1, generator=generator).expand(n, n)
    centre = (torch.arange(n) - n // 2).abs() < 12
    kept = {"points": centre[:, None] & centre, "kx lines": centre.expand(n, n)}
    kept["ky lines"] = centre[:, None].expand(n, n)
    return SenseProblem(image, (chance[kind] < 1 / acceleration) | kept[kind], maps)
