"""Which samples of a Cartesian scan a second reconstruction must predict."""

from __future__ import annotations

import numpy as np
import torch

from proxflow.models.calibration.acs import central_block


def held_out_samples(mask: np.ndarray, *, fraction: float, acs: tuple[int, int], seed: int) -> np.ndarray:
    """A random ``fraction`` of the samples of ``mask`` (ky, kx) outside the centre ``acs``.

    Whole lines where the mask is made of lines along an axis, as a scanner would skip them; single
    samples otherwise. At least one unit, as long as one is outside the centre.
    """
    outside = mask.copy()
    central_block(torch.from_numpy(outside), acs).fill_(False)
    rng = np.random.default_rng(seed)
    held = np.zeros_like(mask)
    for axis, acs_lines in ((1, acs[0]), (0, acs[1])):
        if (mask == np.take(mask, [0], axis=axis)).all() and not mask.all():
            lines = np.flatnonzero(np.take(mask, 0, axis=axis))
            start = len(np.take(mask, 0, axis=axis)) // 2 - acs_lines // 2
            lines = lines[(lines < start) | (lines >= start + acs_lines)]
            chosen = rng.choice(lines, min(len(lines), max(1, round(fraction * len(lines)))), replace=False)
            held[(chosen, slice(None)) if axis == 1 else (slice(None), chosen)] = True
            return held & mask
    points = np.flatnonzero(outside)
    chosen = rng.choice(points, min(len(points), max(1, round(fraction * len(points)))), replace=False)
    held.flat[chosen] = True
    return held
