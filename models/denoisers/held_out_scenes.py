"""Scenes that no training draws."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.denoisers.scenes import SceneSettings, draw_magnitude

FIRST_SEED = 4_200_000_000  # generators keep 32 bits; step k of a training has 1 000 003 seed + k, below this


def held_out_scenes(settings: SceneSettings, n: int, first: int = 0) -> Tensor:
    """Scenes ``first`` to ``first + n - 1``: float32 (n, z, y, x), each decided by its number alone.

    While networks are trained they are judged on 0 to 11, and their cards report 12 to 61.
    """
    scenes = []
    for index in range(first, first + n):
        scenes.append(draw_magnitude(settings, torch.Generator().manual_seed(FIRST_SEED + index)))
    return torch.stack(scenes)
