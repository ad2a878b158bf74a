"""How much a sampling mask undersamples, and which accelerations are possible."""

from __future__ import annotations

import numpy as np


def acceleration(mask: np.ndarray) -> float:
    """Exact acceleration: number of points of the full grid over number of points sampled.

    Args:
        mask: bool, any shape, True = sampled. Raises ValueError if nothing is sampled.
    """
    sampled = int(np.count_nonzero(mask))
    if sampled == 0:
        raise ValueError(f"mask must sample at least one point, got none of {mask.size}")
    return mask.size / sampled


def central_block(shape: tuple[int, int], block: tuple[int, int]) -> np.ndarray:
    """Bool (ny, nx), True on the ``block`` around DC: rows ny // 2 - h // 2 to ny // 2 - h // 2 + h - 1.

    Raises ValueError unless the block fits into the grid; (0, 0) gives an empty mask.
    """
    (ny, nx), (height, width) = shape, block
    if not (0 <= height <= ny and 0 <= width <= nx):
        raise ValueError(f"acs_shape must lie between (0, 0) and {(ny, nx)}, got {tuple(block)}")
    mask = np.zeros(shape, dtype=bool)
    top, left = ny // 2 - height // 2, nx // 2 - width // 2
    mask[top : top + height, left : left + width] = True
    return mask


def sample_count(total: int, acceleration: float, reserved: int, reserved_name: str) -> int:
    """round(total / acceleration), refused unless it lies between ``reserved`` and ``total``.

    ``reserved_name`` names, in the error, what is always sampled: "24 x 24 calibration block".
    """
    count = round(total / acceleration) if acceleration > 0 and np.isfinite(acceleration) else -1
    if acceleration < 1 or not max(1, reserved) <= count <= total:
        most = np.floor(10 * total / max(1, reserved)) / 10
        raise ValueError(
            f"acceleration must be at least 1 and leave room for the {reserved_name} "
            f"(at most {most:g}), got {acceleration:g}"
        )
    return count


def normalised_distance(shape: tuple[int, int]) -> np.ndarray:
    """Elliptic distance from DC, float (ny, nx): 1 in the middle of each edge, sqrt(2) in the corners."""
    ky, kx = ((np.arange(n) - n // 2) / (n / 2) for n in shape)
    return np.hypot(ky[:, None], kx)
