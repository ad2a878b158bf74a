"""Points of k-space by Gaussian densities: the two-dimensional masks of ReconResNet."""

from __future__ import annotations

import numpy as np

from proxflow.data.masks.acceleration import normalised_distance
from proxflow.data.masks.gaussian_lines import check_fraction, check_peak

SIDE = 256  # pixels for which the widths of ``two_gaussian_mask`` are published
CENTRE_PEAK, CENTRE_AREA = 1.3, 5000.0  # of F1; the area is 2 pi times the variance
EDGE_PEAK, EDGE_AREA = 0.6, 1e6  # of F2
NARROWER = 0.95
DISC_NARROWER = 0.99


def two_gaussian_mask(shape: tuple[int, int], fraction: float, *, seed: int) -> np.ndarray:
    """Points with probability max(F1, F2), F2 narrowed until at most ``fraction`` of all are sampled.

        F1 = 1.3 exp(-pi r^2 / 5000),   F2 = 0.6 exp(-pi r^2 / (s 10^6)),   s = 1, 0.95, 0.95^2, ...

    r is the distance from (ny // 2, nx // 2) in pixels of a grid of 256 x 256, over which other grids are
    laid; numbers are drawn anew for every s. All is sampled to r = 20. F1 alone takes 9.6 % of the grid, so
    that with less the published loop would not end: the shipped mask of 5 % cannot be from it.
    ``disc_gaussian_mask`` goes lower.

    Args and result as of ``disc_gaussian_mask``. Raises ValueError where F1 alone is more than ``fraction``.
    Source: Chatterjee et al., Comput. Biol. Med. 143:105321 (2022), whose seeds are unknown.
    """
    _check_shape(shape)
    rng = np.random.default_rng(seed)
    r2 = (SIDE / 2 * normalised_distance(shape)) ** 2
    f1 = CENTRE_PEAK * np.exp(-np.pi * r2 / CENTRE_AREA)
    check_fraction(fraction, float(f1.clip(max=1).mean()), "Gaussian of the centre")
    area, mask = EDGE_AREA, np.ones(shape, dtype=bool)
    while mask.mean() > fraction:
        f2 = EDGE_PEAK * np.exp(-np.pi * r2 / area)
        mask = rng.random(shape) < np.maximum(f1, f2)
        area *= NARROWER
    return mask


def disc_gaussian_mask(
    shape: tuple[int, int], fraction: float, *, seed: int, centre: float = 0.005, peak: float = 0.5
) -> np.ndarray:
    """A sampled disc, and points with probability d around it; d narrows until ``fraction`` is left at most.

        x^2 + y^2 <= 4 c / pi   or   u < d,   d = a exp(-4 ln 2 (x^2 + y^2) / w^2),   w = 2, 1.98, 1.9602, ...

    with x, y from -1 to 1 over the grid and u drawn anew for every w.

    Args:
        shape: (ny, nx).
        fraction: the most that is sampled, above 0 and up to 1.
        seed: of ``numpy.random.default_rng``; the same seed gives the same mask.
        centre: c, the part of the grid that the disc takes.
        peak: a, from 0 to 1. The masks shipped with the paper look like c = 0.02 and a = 0.5.

    Returns bool (ny, nx), True = sampled, DC at n // 2; ``acceleration`` tells what it became.
    Raises ValueError where the disc alone is more than ``fraction``.
    Source: as ``two_gaussian_mask``; the authors' later tool.
    """
    _check_shape(shape)
    check_peak(peak)
    rng = np.random.default_rng(seed)
    r2 = normalised_distance(shape) ** 2
    disc = r2 <= 4 * centre / np.pi
    check_fraction(fraction, float(disc.mean()), "disc of the centre")
    width, mask = 2.0, np.ones(shape, dtype=bool)
    while mask.mean() > fraction:
        density = peak * np.exp(-4 * np.log(2) * r2 / width**2)
        mask = disc | (rng.random(shape) < density)
        width *= DISC_NARROWER
    return mask


def _check_shape(shape: tuple[int, int]) -> None:
    if min(shape) < 1:
        raise ValueError(f"shape must have at least one point along each axis, got {shape}")
