"""The pixels over which a metric is computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def support_region(coil_maps: np.ndarray) -> np.ndarray:
    """Where any coil map is non-zero: the object as calibration saw it.

    coil_maps: complex (coil, y, x) or (item|1, coil, y, x). Returns bool (y, x) or (item|1, y, x).
    """
    if coil_maps.ndim not in (3, 4):
        raise ValueError(f"coil_maps must have axes ([item,] coil, y, x), got shape {coil_maps.shape}")
    return np.any(coil_maps != 0, axis=-3)


def broadcast_region(region: np.ndarray | None, shape: Sequence[int]) -> np.ndarray:
    """``region`` as bool (item, y, x); None is every pixel.

    Raises ValueError unless it is boolean, fits ``shape`` and holds a pixel of every item.
    """
    shape = tuple(shape)
    if region is None:
        return np.ones(shape, dtype=bool)
    if region.dtype != np.bool_:
        raise ValueError(f"region must be boolean, got {region.dtype}")
    if (
        region.ndim not in (2, 3)
        or region.shape[-2:] != shape[-2:]
        or region.shape[:-2] not in ((), (1,), shape[:1])
    ):
        raise ValueError(f"region must have shape {shape[-2:]} or {shape}, got {region.shape}")
    full = np.broadcast_to(region, shape)
    if not full.any(axis=(-2, -1)).all():
        empty = np.flatnonzero(~full.any(axis=(-2, -1))).tolist()
        raise ValueError(f"region must hold a pixel of every item, got none in items {empty}")
    return full
