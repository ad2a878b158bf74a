"""Images continued by reflection to sides that a network can halve."""

from __future__ import annotations

import torch
from torch import Tensor


def continued(x: Tensor, factor: int) -> tuple[Tensor, tuple[int, int]]:
    """x (..., y, x) with sides that are multiples of ``factor``, and how much of it lies (above, left of) the
    image: half of what is missing, by reflection about the outermost pixels, as often as it must.

    Reflection, unlike repeated outermost pixels, keeps noise looking like noise, and as strong, which is what
    a network was trained on.
    """
    before = []
    for axis in (-2, -1):
        n = x.shape[axis]
        missing = -n % factor
        before.append(missing // 2)
        if missing:
            x = x.index_select(axis, _reflected(n, missing // 2, n + missing).to(x.device))
    return x, (before[0], before[1])


def _reflected(n: int, before: int, total: int) -> Tensor:
    """Indices 0 to n - 1 of ``total`` pixels, the first one ``before`` pixels above 0: 2 1 0 1 2 1 0 ... for
    n = 3.
    """
    period = max(2 * n - 2, 1)
    i = torch.arange(-before, total - before) % period
    return torch.minimum(i, period - i)
