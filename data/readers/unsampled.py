"""The sampling mask of a file that has none: samples that are zero in every coil were not measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mask_from_zeros(samples: NDArray[np.complexfloating]) -> NDArray[np.bool_]:
    """bool (item or 1, ky, kx) of samples (item, coil, ky, kx): True where any coil is not exactly zero."""
    with np.errstate(invalid="ignore"):  # NaN is refused later, with its place
        return shared_mask((samples != 0).any(axis=1))


def shared_mask(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``mask`` (item, ky, kx), reduced to (1, ky, kx) if all items share it."""
    return mask[:1] if (mask == mask[:1]).all() else mask
