"""Random points whose density falls with the distance from the centre of k-space."""

from __future__ import annotations

import numpy as np

from proxflow.data.masks.acceleration import central_block, normalised_distance, sample_count


def variable_density_mask(
    shape: tuple[int, int],
    acceleration: float,
    *,
    acs_shape: tuple[int, int],
    seed: int,
    power: float = 3.0,
) -> np.ndarray:
    """Points drawn without replacement with weight (1 - d / sqrt(2))^power, plus the calibration block.

    d is the elliptic distance from DC, 1 in the middle of the edges. Points may clump; Poisson-disc points
    do not.

    Args:
        shape: (ny, nx).
        acceleration: ny * nx / number of samples, the ACS counted; exactly round(ny * nx / acceleration)
            points are sampled.
        acs_shape: height and width of the fully sampled centred block; (0, 0) for none.
        seed: of ``numpy.random.default_rng``; the same seed gives the same mask.
        power: 0 for uniform density.

    Returns bool (ny, nx), True = sampled, DC at n // 2. Raises ValueError if the samples do not fit.
    Source: Lustig, Donoho & Pauly, Magn. Reson. Med. 58:1182 (2007), polynomial densities.
    """
    mask = central_block(shape, acs_shape)
    block = f"{acs_shape[0]} x {acs_shape[1]} calibration block"
    count = sample_count(mask.size, acceleration, int(mask.sum()), block)
    if not power >= 0:
        raise ValueError(f"power must be at least 0, got {power}")
    candidates = np.flatnonzero(~mask)
    weights = (1 - normalised_distance(shape).flat[candidates] / np.sqrt(2)).clip(1e-6) ** power
    # Exponential races: the k smallest of E / w are a weighted draw without replacement.
    races = np.random.default_rng(seed).exponential(size=len(candidates)) / weights
    mask.flat[candidates[np.argsort(races)[: count - int(mask.sum())]]] = True
    return mask
