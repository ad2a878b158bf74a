"""Which measurements of a series a second reconstruction must predict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.base import random_units
from proxflow.tasks.modalities.cartesian.held_out import held_out_samples


def held_out_spokes(mask: NDArray[np.bool_], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Random spokes of ``mask`` (frame, spoke), of whatever frames; a frame may lose all of its own."""
    held = np.zeros_like(mask)
    held.flat[random_units(np.flatnonzero(mask), fraction, seed)] = True
    return held


def held_out_points(
    mask: NDArray[np.bool_], fraction: float, acs: tuple[int, int], seed: int
) -> NDArray[np.bool_]:
    """Of each frame of ``mask`` (frame, ky, kx) other random samples outside the centre ``acs``, or lines."""
    frames = [
        held_out_samples(frame, fraction=fraction, acs=acs, seed=seed + index)
        for index, frame in enumerate(mask)
    ]
    held = np.stack(frames)
    if not held.any():
        raise RequestError(
            "evaluate.held_out_fraction must be 0 where no sample lies outside the calibration region, "
            f"got {fraction:g}"
        )
    return held
