"""Lines of k-space by a Gaussian density, and every q-th of them: the 1-D masks of ReconResNet."""

from __future__ import annotations

import numpy as np

from proxflow.data.masks.spread_lines import spread_lines

LEAST_LINES = 8  # with fewer, the centre is all there is
NARROWER = 0.95


def gaussian_line_mask(
    shape: tuple[int, int], fraction: float, *, seed: int, peak: float = 0.5, axis: int = 0
) -> np.ndarray:
    """Lines with probability d, and the centre; d narrows until at most ``fraction`` of all are left.

        line i is sampled   if u_i < d_i,   d_i = a exp(-(i - n // 2)^2 / (2 s^2)),   u_i ~ U(0, 1)
        or if   round(n / 2 - n / round(n / 4)) <= i < round(n / 2 + n / round(n / 4)),   8 lines of 256

    u is drawn once; s = n // 2 at first, then the whole part of 0.95 s again and again. The lines that a
    narrower density leaves are among those of a wider one. How much is sampled comes in steps: of 256 lines
    "30 %" is about 27 %; ask ``acceleration`` for what it became.

    Args:
        shape: (ny, nx).
        fraction: the most that is sampled, above 0 and up to 1.
        seed: of ``numpy.random.default_rng``.
        peak: a, from 0 to 1.
        axis: 0 skips lines of constant ky (phase encoding along y), 1 of constant kx.

    Returns bool (ny, nx), True = sampled, DC at n // 2.
    Raises ValueError where the centre alone is more than ``fraction``.
    Source: the sampling of Chatterjee et al., Comput. Biol. Med. 143:105321 (2022), whose seeds are unknown.
    """
    n = _checked(shape, axis)
    half = n / round(n / 4)
    centre = np.zeros(n, dtype=bool)
    centre[round(n / 2 - half) : round(n / 2 + half)] = True
    check_fraction(fraction, int(centre.sum()) / n, "centre lines")
    check_peak(peak)
    u, offset = np.random.default_rng(seed).random(n), np.arange(n) - n // 2
    sigma, lines = n // 2, np.ones(n, dtype=bool)
    while lines.mean() > fraction:
        # Of width 0 nothing but the centre is left, which is no more than ``fraction``.
        lines = centre | (u < peak * np.exp(-(offset**2) / (2 * sigma**2))) if sigma else centre
        sigma = int(NARROWER * sigma)
    return spread_lines(lines, shape, axis)


def stepped_line_mask(shape: tuple[int, int], step: int, *, axis: int = 0) -> np.ndarray:
    """Lines 0, q, 2 q, ... and the centre, n // 2 - n // (n // 4) - 1 <= i < n // 2 + n // (n // 4).

    Of 256 lines with q = 4: 71, an acceleration of 3.61. Nothing is drawn. Returns bool (ny, nx), True =
    sampled, DC at n // 2. Raises ValueError if ``step`` is not from 1 to n.
    Source: as ``gaussian_line_mask``.
    """
    n = _checked(shape, axis)
    if not 1 <= step <= n:
        raise ValueError(f"step must be from 1 to {n}, got {step}")
    lines = np.zeros(n, dtype=bool)
    lines[::step] = True
    half = n // (n // 4)
    lines[n // 2 - half - 1 : n // 2 + half] = True
    return spread_lines(lines, shape, axis)


def check_fraction(fraction: float, least: float, what: str) -> None:
    """ValueError unless ``fraction`` lies between ``least``, which ``what`` takes, and 1."""
    if not (0 < fraction <= 1 and fraction >= least):
        raise ValueError(
            f"fraction must be above 0, at most 1 and leave room for the {what} (at least {least:.4g}), "
            f"got {fraction:g}"
        )


def check_peak(peak: float) -> None:
    """ValueError unless ``peak`` is a probability."""
    if not 0 <= peak <= 1:
        raise ValueError(f"peak must be from 0 to 1, got {peak:g}")


def _checked(shape: tuple[int, int], axis: int) -> int:
    """How many lines there are."""
    n = shape[axis]
    if n < LEAST_LINES or min(shape) < 1:
        raise ValueError(f"shape must have at least {LEAST_LINES} lines along axis {axis}, got {shape}")
    return n
