"""Trajectories in the units people write them, brought to cycles per field of view of the image."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

TrajectoryUnit = Literal["cycles/sample", "rad/sample", "cycles/fov"]
TRAJECTORY_UNITS: tuple[str, ...] = get_args(TrajectoryUnit)


def to_cycles_per_fov(
    trajectory: NDArray[np.floating], unit: TrajectoryUnit, matrix: tuple[int, int]
) -> NDArray[np.floating]:
    """``trajectory`` (..., 2), (ky, kx), in cycles per field of view of an image of ``matrix`` (y, x).

    A frequency of k cycles per pixel is k n cycles per n pixels, so that the range of +-0.5 becomes
    +-n / 2; radians per pixel are 2 pi times as many. "cycles/fov" is left as it is. The dtype stays.
    """
    if unit == "cycles/fov":
        return trajectory
    cycles = 1.0 if unit == "cycles/sample" else 1 / (2 * math.pi)
    return trajectory * (cycles * np.array(matrix, dtype=np.float64)).astype(trajectory.dtype)
