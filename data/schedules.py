"""At which angles the projections of a changing object are taken, one after the other."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

GOLDEN_DEG = 111.25
SCHEDULES = ("bit_reversed", "golden", "linear", "random(SEED)")
LARGEST_SEED = 2**32 - 1


def bit_reversed(n: int) -> NDArray[np.float64]:
    """pi rev(p) / n for p = 0 .. n-1, radians: rev reverses the log2(n) bits of p.

    Any run of consecutive projections is spread about evenly over half a turn. Source: Iskender, Klasky &
    Bresler, IEEE TCI 10:832 (2024). Raises ValueError unless n is a power of two.
    """
    if n < 1 or n & (n - 1):
        raise ValueError(f"the schedule bit_reversed must have a power of two of projections, got {n}")
    order = np.zeros(1, np.int64)
    while len(order) < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    return np.pi * order / n


def golden(n: int) -> NDArray[np.float64]:
    """111.25 p degrees modulo a turn for p = 0 .. n-1, in radians."""
    return np.deg2rad(np.mod(GOLDEN_DEG * np.arange(n), 360.0))


def linear(n: int) -> NDArray[np.float64]:
    """pi p / n for p = 0 .. n-1, radians."""
    return np.pi * np.arange(n) / n


def random(n: int, seed: int = 0) -> NDArray[np.float64]:
    """n angles drawn from half a turn, radians; the same for the same seed."""
    return np.random.default_rng(seed).uniform(0.0, np.pi, n)


def schedule_angles(schedule: str, n: int) -> NDArray[np.float64]:
    """The n angles of a schedule by its name, one of ``SCHEDULES`` with a number for SEED; radians.

    Raises ValueError where there is no such schedule, or it does not fit n.
    """
    seeded = re.fullmatch(r"random(?:\((\d{1,10})\))?", schedule)
    if seeded and int(seeded[1] or 0) <= LARGEST_SEED:
        return random(n, int(seeded[1] or 0))
    known = {"bit_reversed": bit_reversed, "golden": golden, "linear": linear}
    if schedule not in known:
        raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule}")
    return known[schedule](n)
