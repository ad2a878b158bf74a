"""Whole lines of k-space, as a two-dimensional scan skips them: fastMRI's random and equispaced masks."""

from __future__ import annotations

import numpy as np

from proxflow.data.masks.acceleration import sample_count
from proxflow.data.masks.spread_lines import spread_lines


def random_line_mask(
    shape: tuple[int, int], acceleration: float, *, n_center_lines: int, seed: int, axis: int = 0
) -> np.ndarray:
    """The centre lines, and others drawn uniformly: exactly round(n / acceleration) lines in all.

    Args:
        shape: (ny, nx).
        acceleration: lines of the full grid over lines sampled, the centre counted.
        n_center_lines: fully sampled lines about DC.
        seed: of ``numpy.random.default_rng``.
        axis: 0 skips lines of constant ky (phase encoding along y), 1 of constant kx.

    Returns bool (ny, nx), True = sampled, DC at n // 2. Raises ValueError if the lines do not fit.
    Source: Zbontar et al., arXiv:1811.08839 (2018), section 4.9; theirs keeps each line with a
    probability, so that only the expected acceleration is met.
    """
    lines, count = _centre(shape, acceleration, n_center_lines, axis)
    others = np.flatnonzero(~lines)
    chosen = np.random.default_rng(seed).choice(others, count - int(lines.sum()), replace=False)
    lines[chosen] = True
    return spread_lines(lines, shape, axis)


def uniform_line_mask(
    shape: tuple[int, int], acceleration: float, *, n_center_lines: int, seed: int, axis: int = 0
) -> np.ndarray:
    """The centre lines, and others at equal distance from a random offset: round(n / acceleration) in all.

    Arguments and result as ``random_line_mask``. The spacing between the lines outside the centre is
    (n - centre) / (count - centre), rounded line by line, so that the acceleration is met with the centre
    counted. Source: fastMRI's EquispacedMaskFractionFunc, whose spacing is adjusted in the same way.
    """
    lines, count = _centre(shape, acceleration, n_center_lines, axis)
    others = np.flatnonzero(~lines)
    wanted = count - int(lines.sum())
    if wanted:
        spacing = len(others) / wanted
        offset = np.random.default_rng(seed).uniform(0, spacing)
        lines[others[np.floor(offset + spacing * np.arange(wanted)).astype(int) % len(others)]] = True
    return spread_lines(lines, shape, axis)


def _centre(
    shape: tuple[int, int], acceleration: float, n_center_lines: int, axis: int
) -> tuple[np.ndarray, int]:
    """Bool (n,) with the centre lines, and how many lines are sampled in all."""
    n = shape[axis]
    if not 0 <= n_center_lines <= n:
        raise ValueError(f"n_center_lines must lie between 0 and {n}, got {n_center_lines}")
    count = sample_count(n, acceleration, n_center_lines, f"{n_center_lines} centre lines")
    lines = np.zeros(n, dtype=bool)
    start = n // 2 - n_center_lines // 2
    lines[start : start + n_center_lines] = True
    return lines, count
