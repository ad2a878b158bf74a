"""Gaussian blur of volumes, and noise whose neighbours are alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

REACH = 3  # standard deviations after which the Gaussian is cut


def blurred(volume: Tensor, width: float) -> Tensor:
    """(z, y, x) convolved with exp(-r^2 / (2 width^2)), width in voxels, and nothing outside."""
    kernel = _gaussian(width)
    return _along_axes(volume, kernel, padding=len(kernel) // 2)


def coloured_noise(shape: Sequence[int], width: float, rng: torch.Generator) -> Tensor:
    """Stationary noise of mean 0 and std 1: white Gaussian noise blurred by ``width`` voxels."""
    kernel = _gaussian(width)
    white = torch.randn([n + len(kernel) - 1 for n in shape], generator=rng)
    return _along_axes(white, kernel / kernel.norm(), padding=0)


def _gaussian(width: float) -> Tensor:
    half = math.ceil(REACH * width)
    return torch.exp(-0.5 * (torch.arange(-half, half + 1) / width) ** 2)


def _along_axes(volume: Tensor, kernel: Tensor, *, padding: int) -> Tensor:
    out = volume[None, None]
    for axis in range(3):
        shape, around = [1, 1, 1, 1, 1], [0, 0, 0]
        shape[2 + axis], around[axis] = len(kernel), padding
        out = functional.conv3d(out, kernel.view(shape), padding=around)
    return out[0, 0]
