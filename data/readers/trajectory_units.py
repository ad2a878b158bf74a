"""Trajectories in the units people declare them in, checked and brought to cycles per field of view."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.validate_radial import SMALLEST_REACH

TrajectoryUnit = Literal["cycles/sample", "rad/sample", "cycles/fov"]
TRAJECTORY_UNITS: tuple[str, ...] = get_args(TrajectoryUnit)


def check_declared_unit(
    path: Path, trajectory: NDArray[np.floating], unit: TrajectoryUnit, matrix: tuple[int, int]
) -> None:
    """Raise ScanError where (ky, kx) cannot be in ``unit``; the sentence names the one it looks like.

    ``matrix`` is the image's (y, x) size: with n pixels the edge of k-space lies at 0.5 cycles/sample, at
    pi rad/sample and at n / 2 cycles per field of view; one sample more is let pass. A trajectory in
    rad/sample that stays within 0.5 would leave five sixths of k-space empty.
    """
    if unit == "cycles/fov" or not np.isfinite(trajectory).all():
        return  # both are checked, in the unit that is left, by check_trajectory
    reach, half = float(np.abs(trajectory).max(initial=0)), max(matrix) / 2
    edges = {"cycles/sample": 0.5, "rad/sample": math.pi}
    too_far = reach > edges[unit] * (1 + 2 / min(matrix))
    too_short = unit == "rad/sample" and 0.4 < reach < 0.52 and half > SMALLEST_REACH
    if too_far or too_short:
        likely = [name for name, edge in edges.items() if name != unit and 0.8 < reach / edge < 1.03]
        if not likely and 0.8 * half < reach < half + 1:
            likely = ["cycles/fov"]
        hint = f", which looks like {likely[0]}" if likely else ", which looks like another unit"
        raise ScanError(
            f"{path.name}: trajectory must be in {unit} as declared, up to about {edges[unit]:.4g}, got up "
            f"to {reach:.4g}{hint}"
        )


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
