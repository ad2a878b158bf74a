"""Which lines are sampled, as a mask of the whole grid."""

from __future__ import annotations

import numpy as np


def spread_lines(lines: np.ndarray, shape: tuple[int, int], axis: int) -> np.ndarray:
    """Bool (ny, nx) of ``lines``, bool (shape[axis],), each along the other axis; a copy of its own."""
    return np.broadcast_to(np.expand_dims(lines, 1 - axis), shape).copy()
