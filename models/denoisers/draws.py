"""Generators of training steps, and single numbers from them."""

from __future__ import annotations

import torch


def step_generator(seed: int, step: int) -> torch.Generator:
    """Decided by (seed, step) alone: a training that goes on draws what it would have."""
    return torch.Generator().manual_seed(seed * 1_000_003 + step)


def integer(n: int, rng: torch.Generator) -> int:
    """One of 0 to n - 1."""
    return int(torch.randint(n, (1,), generator=rng))


def uniform(rng: torch.Generator) -> float:
    """Of [0, 1)."""
    return float(torch.rand(1, generator=rng))


def between(ends: tuple[float, float], rng: torch.Generator) -> float:
    """Uniform from the first to the second."""
    return ends[0] + (ends[1] - ends[0]) * uniform(rng)


def window(place: int, n: int, side: int, rng: torch.Generator) -> slice:
    """A stretch of ``side`` within 0..n that holds ``place``; all of it where n is less."""
    first, last = max(place - side + 1, 0), max(min(place, n - side), 0)
    start = first + integer(max(last - first, 0) + 1, rng)
    return slice(start, start + side)
