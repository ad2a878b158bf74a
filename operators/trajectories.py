"""Sampling trajectories of non-Cartesian MRI."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

GOLDEN_ANGLE_RAD = np.pi * (np.sqrt(5) - 1) / 2  # 111.246 degrees


def radial_trajectory(
    n_spokes: int,
    n_readout: int,
    matrix: int,
    angles: Literal["golden", "uniform"] | ArrayLike = "golden",
    oversampling: float = 2,
) -> Tensor:
    """Straight spokes through the centre, float64 (spoke, readout, 2), (ky, kx) in cycles per field of view.

        k = r (sin a, cos a),   r = (i - n_readout // 2) / oversampling,   i = 0 ... n_readout - 1

    so that r runs from -matrix/2 in steps of 1/oversampling and is zero at ``n_readout // 2``.

    Args:
        n_readout: samples of a spoke, ``oversampling * matrix``.
        matrix: pixels of the image along each axis.
        angles: of the spokes in radians, from the kx axis towards ky; "uniform": s pi / n_spokes;
            "golden": s times 111.246 degrees.

    Raises ValueError if the numbers do not fit each other.
    Source: Winkelmann et al., IEEE Trans. Med. Imaging 26:68 (2007), for the golden angle.
    """
    if n_spokes < 1 or matrix < 1:
        raise ValueError(f"n_spokes and matrix must be at least 1, got {n_spokes} and {matrix}")
    if n_readout != round(oversampling * matrix) or n_readout < 1:
        raise ValueError(
            f"n_readout must be oversampling * matrix = {oversampling * matrix:g}, got {n_readout}"
        )
    a = _angles(angles, n_spokes)
    r = (np.arange(n_readout) - n_readout // 2) / oversampling
    return torch.from_numpy(np.stack([np.outer(np.sin(a), r), np.outer(np.cos(a), r)], axis=-1))


def _angles(angles: str | ArrayLike, n_spokes: int) -> np.ndarray:
    if isinstance(angles, str):
        if angles not in ("golden", "uniform"):
            raise ValueError(f'angles must be "golden", "uniform" or an array, got "{angles}"')
        step = GOLDEN_ANGLE_RAD if angles == "golden" else np.pi / n_spokes
        return step * np.arange(n_spokes)
    given = np.asarray(angles, dtype=np.float64)
    if given.shape != (n_spokes,) or not np.isfinite(given).all():
        raise ValueError(
            f"angles must be {n_spokes} finite numbers in radians, got an array of shape {given.shape}"
        )
    return given
