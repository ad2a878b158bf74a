"""Single numbers from a generator."""

from __future__ import annotations

import torch


def integer(n: int, rng: torch.Generator) -> int:
    """One of 0 to n - 1."""
    return int(torch.randint(n, (1,), generator=rng))


def uniform(rng: torch.Generator) -> float:
    """Of [0, 1)."""
    return float(torch.rand(1, generator=rng))


def between(ends: tuple[float, float], rng: torch.Generator) -> float:
    """Uniform from the first to the second."""
    return ends[0] + (ends[1] - ends[0]) * uniform(rng)
