"""Patterns of sampling by the names a training knows them by."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from proxflow.configs.reconresnet_training import PatternName
from proxflow.data.masks.gaussian_lines import gaussian_line_mask, stepped_line_mask
from proxflow.data.masks.gaussian_points import disc_gaussian_mask, two_gaussian_mask
from proxflow.models.artefacts.undersampled_images import Pattern
from proxflow.operators.base import LinearOperator
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.golden_spokes import golden_spokes
from proxflow.operators.non_cartesian_sense import NonCartesianSense

FULL = 512  # spokes of 256 pixels that count as full sampling
TWO_GAUSSIANS = 15  # per cent, and above: with less, the published loop takes long or does not end
LEAST_LINES = 12  # as of 256 at 5 %: the 8 of the centre and a few that are drawn
SHIPPED_CENTRE = 0.02  # what the published masks of points look like


def pattern_of(name: PatternName, side: int) -> Pattern:
    """One coil of ``side`` x ``side`` pixels: which measurement a seed draws. Spokes are always the same."""
    kind, number = name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    if kind == "spokes":
        return lambda seed: _spokes(number, side)
    return lambda seed: CartesianSense(torch.from_numpy(_mask(kind, number, side, seed)), _one_coil(side))


def _mask(kind: str, number: int, side: int, seed: int) -> np.ndarray:
    shape = side, side
    if kind == "step":
        return stepped_line_mask(shape, number)
    if kind == "lines":
        return gaussian_line_mask(shape, max(number / 100, LEAST_LINES / side), seed=seed)
    if number >= TWO_GAUSSIANS:
        return two_gaussian_mask(shape, number / 100, seed=seed)
    return disc_gaussian_mask(shape, number / 100, seed=seed, centre=SHIPPED_CENTRE)


@lru_cache(maxsize=8)
def _spokes(number: int, side: int) -> LinearOperator:
    """The first spokes of ``golden_spokes``, of the acceleration that ``number`` of 512 have."""
    n_spokes = max(1, round(number * 2 * side / FULL))
    trajectory = golden_spokes(n_spokes, side).flatten(0, 1)
    return NonCartesianSense(trajectory, _one_coil(side), n_readout=2 * side)


def _one_coil(side: int) -> torch.Tensor:
    return torch.ones(1, side, side, dtype=torch.complex64)
