"""The noise level of a series' samples, and where the figure comes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from proxflow.tasks.modalities.cartesian.noise import noise_level as level_on_a_grid
from proxflow.tasks.modalities.radial.noise import noise_level as level_of_spokes


def series_noise(
    samples: Tensor, measured: NDArray[np.bool_], noise: Tensor | None, whitened: bool
) -> tuple[float, str]:
    """Standard deviation of the complex noise of a sample, sqrt(E|n|^2), and its source in words.

    Args:
        samples: (frame, coil, spoke, readout) or (frame, coil, ky, kx).
        measured: bool (frame, spoke) or (frame, ky, kx).
        noise: (coil, n) in the same coil basis, or None.

    On a grid the mean square of the frames' own figures; of spokes one figure for all of them.
    """
    if measured.ndim == 2:
        return level_of_spokes(samples.movedim(0, 1)[:, measured], noise, whitened)
    pairs = zip(samples, measured, strict=True)
    found = [level_on_a_grid(one, mask, noise, whitened) for one, mask in pairs if mask.any()]
    return float(np.sqrt(np.mean([level**2 for level, _ in found]))), found[0][1]
