"""Phases as coils, fields and motion give them to MR images: smooth, without an object in them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxflow.models.denoisers.draws import uniform

MOST = 1.5  # radians
WAVES = ((0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, -0.5), (1.0, 0.0), (0.0, 1.0))  # cycles a side, (y, x)
POWERS = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))  # of y and x


def smooth_phase(side: int, rng: torch.Generator) -> Tensor:
    """phi = s p / max |p|, s ~ U(0, 1.5) radians, at pixels y, x in [-1, 1]:

        p = sum_{i + j <= 2} a_ij y^i x^j + sum_k b_k cos(pi (k_y y + k_x x) + c_k)

    a, b ~ N(0, 1), c ~ U(0, 2 pi), k six waves of half a cycle and one cycle a side. float32 (side, side).
    """
    axis = torch.linspace(-1, 1, side)
    y, x = axis[:, None], axis[None]
    weights = torch.randn(len(POWERS) + len(WAVES), generator=rng).tolist()
    shifts = (2 * math.pi * torch.rand(len(WAVES), generator=rng)).tolist()
    phase = torch.zeros(side, side)
    for weight, (i, j) in zip(weights, POWERS, strict=False):
        phase = phase + weight * y**i * x**j
    for weight, shift, (ky, kx) in zip(weights[len(POWERS) :], shifts, WAVES, strict=True):
        phase = phase + weight * torch.cos(math.pi * (ky * y + kx * x) + shift)
    return MOST * uniform(rng) / phase.abs().max() * phase
