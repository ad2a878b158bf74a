"""Denoising in batches: how many images, and that nobody can tell."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.denoisers.in_batches import InBatches
from proxflow.models.denoisers.told_level import LevelTv


def test_batches_are_no_larger_than_asked_and_change_nothing(rng: torch.Generator) -> None:
    images = torch.randn(7, 9, 8, dtype=torch.complex64, generator=rng)
    seen: list[int] = []

    def counted(part: Tensor, sigma: float) -> Tensor:
        seen.append(len(part))
        return LevelTv()(part, sigma)

    found = InBatches(counted, lambda images: 3)(images, 0.2)
    assert seen == [3, 3, 1]
    torch.testing.assert_close(found, LevelTv()(images, 0.2))
