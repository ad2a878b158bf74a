"""Variable-density Poisson-disc sampling of Cartesian k-space with two phase-encoding axes."""

from __future__ import annotations

import numpy as np

from proxflow.data.masks.acceleration import central_block, normalised_distance, sample_count

MAX_PASSES = 12
JITTER = 0.25
EXCESS = 0.005  # points more than needed that end the search, as a fraction of the points wanted


def poisson_disc_mask(
    shape: tuple[int, int],
    acceleration: float,
    *,
    acs_shape: tuple[int, int],
    seed: int,
    density: float = 1.0,
    corners: bool = False,
) -> np.ndarray:
    """Random points that keep a distance growing linearly from the centre of k-space, plus the ACS.

    Outside the calibration block, two points p and q sampled lie at least min(r(p), r(q)) grid steps
    apart, with r = r_0 (1 + density * d) u, d the elliptic distance from DC (1 in the middle of the
    edges) and u drawn for each point from [0.75, 1.25]. r_0 is found by bisection so that slightly too
    many points fit; points drawn at random are then taken away, so the distances hold and the count is
    exact.

    Args:
        shape: (ny, nx), both axes in grid steps of equal size 1 / field of view.
        acceleration: ny * nx / number of samples, the ACS and the left-out corners counted: exactly
            round(ny * nx / acceleration) points are sampled.
        acs_shape: height and width of the fully sampled centred block; (0, 0) for none.
        seed: of ``numpy.random.default_rng``; the same seed gives the same mask.
        density: 0 for the same distance everywhere; 1 makes it twice as large at the edges than at DC.
        corners: sample beyond the ellipse d = 1 too. Left out by default, as in SigPy and BART's
            ``poisson -e``: without directional resolution gain they cost 21 % of the samples.

    Returns bool (ny, nx), True = sampled, DC at n // 2.
    Raises ValueError if the samples do not fit.
    Source: Lustig & Pauly, Magn. Reson. Med. 64:457 (2010); dart throwing on the grid, in random order.
    """
    acs = central_block(shape, acs_shape)
    count = sample_count(
        acs.size, acceleration, acs.sum(), f"{acs_shape[0]} x {acs_shape[1]} calibration block"
    )
    if not density >= 0:
        raise ValueError(f"density must be at least 0, got {density}")
    distance = normalised_distance(shape)
    allowed = ~acs if corners else ~acs & (distance <= 1)
    wanted = count - int(acs.sum())
    if wanted > allowed.sum():
        least = acs.size / (allowed.sum() + acs.sum())
        raise ValueError(
            f"acceleration must be at least {least:.3g} with the corners left out (corners=False), "
            f"got {acceleration:g}"
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(allowed))
    jitter = rng.uniform(1 - JITTER, 1 + JITTER, shape)  # or whole-number distances show as rings
    points = _enough_points(order, (1 + density * distance) * jitter, wanted)
    mask = acs
    mask.flat[rng.permutation(points)[:wanted]] = True
    return mask


def _enough_points(order: np.ndarray, spacing: np.ndarray, wanted: int) -> np.ndarray:
    """Points thrown with radii r_0 * spacing, r_0 the largest found that gives at least ``wanted``."""
    if wanted == 0:
        return order[:0]
    points = order  # r_0 -> 0 keeps every candidate
    low, high = 0.0, 1.0
    guess = 0.8 * np.sqrt(np.sum(1 / spacing.flat[order] ** 2) / wanted)  # a packing holds about 0.7 / r^2
    for _ in range(MAX_PASSES):
        if len(points) <= (1 + EXCESS) * wanted:
            break
        thrown = _throw_darts(order, guess * spacing, stop=2 * wanted)
        if len(thrown) >= wanted:
            low = guess
            points = thrown if len(thrown) <= len(points) else points
        else:
            high = guess
        # The count falls as about r_0^-2: scale the radius first, bisect once it is bracketed.
        scaled = guess * np.sqrt(len(thrown) / wanted)
        high = max(high, 1.05 * scaled) if high <= low else high
        guess = scaled if low < scaled < high else (low + high) / 2
    return points


def _throw_darts(order: np.ndarray, radius: np.ndarray, stop: int) -> np.ndarray:
    """Flat indices accepted in the given order: each blocks what lies nearer to it than its radius.

    Ends early once ``stop`` are accepted: the radii are far too small then.
    """
    ny, nx = radius.shape
    limits = np.ceil(radius**2).astype(int)  # offsets are whole: d^2 < r^2 means d^2 < ceil(r^2)
    reach = int(np.ceil(radius.max())) + 1
    blocked = np.zeros((ny + 2 * reach, nx + 2 * reach), dtype=bool)
    stencils = {int(limit): _disc(int(limit)) for limit in np.unique(limits.flat[order])}
    flat_limits = limits.ravel().tolist()
    accepted: list[int] = []
    for point in order.tolist():
        y, x = divmod(point, nx)
        if blocked[y + reach, x + reach]:
            continue
        accepted.append(point)
        if len(accepted) >= stop:
            break
        disc = stencils[flat_limits[point]]
        half = len(disc) // 2
        top, left = y + reach - half, x + reach - half
        blocked[top : top + len(disc), left : left + len(disc)] |= disc
    return np.array(accepted, dtype=order.dtype)


def _disc(limit: int) -> np.ndarray:
    """Bool square, True at offsets with dy^2 + dx^2 < limit."""
    half = int(np.sqrt(max(limit - 1, 0)))
    steps = np.arange(-half, half + 1) ** 2
    return steps[:, None] + steps < limit
