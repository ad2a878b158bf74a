"""The noise level of a sinogram, from the sinogram itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STRETCHES, FEWEST_COLUMNS = 8, 4
NORMAL_MAD = 0.6744897501960817  # median of |n| for unit Gaussian n


def noise_std(samples: NDArray[np.floating]) -> float:
    """sigma = median |d| / (2 * 0.6745), d the mixed second difference over neighbouring views and columns:

        d[a, c] = s[a, c] - s[a + 1, c] - s[a, c + 1] + s[a + 1, c + 1],   Var d = 4 sigma^2 for white noise.

    A sinogram is smooth along at least one of the two directions nearly everywhere, so that the object
    hardly counts; the median leaves out where it does. Too low where a detector's blur makes the noise of
    neighbouring columns alike.

    samples: real (*, angle, column) attenuation. Zero where there are fewer than two views or columns.
    Source: the median absolute deviation, Donoho & Johnstone, Biometrika 81:425 (1994), on differences
    instead of wavelets.
    """
    difference = np.diff(np.diff(samples.astype(np.float64), axis=-1), axis=-2)
    if difference.size == 0:
        return 0.0
    return float(np.median(np.abs(difference)) / (2 * NORMAL_MAD))


def detector_noise_std(samples: NDArray[np.floating]) -> float | None:
    """sigma = min over stretches of the detector of median |d| / (0.6745 sqrt(70)), d the fourth difference,

        d[c] = s[c] - 4 s[c+1] + 6 s[c+2] - 4 s[c+3] + s[c+4],   Var d = 70 sigma^2 for white noise.

    For views that have no neighbours, as those of a series: each is judged alone. What is smooth over five
    columns does not count; of up to eight stretches of columns, taken over all views, the quietest is often
    beside the object. Too high where all columns see fine structure. samples: real (*, column) attenuation;
    None for fewer than five columns. Sources as for ``noise_std``.
    """
    if samples.shape[-1] < 5:
        return None
    difference = np.abs(np.diff(samples.astype(np.float64), 4, axis=-1))
    n_columns = difference.shape[-1]
    stretches = np.array_split(difference, max(1, min(STRETCHES, n_columns // FEWEST_COLUMNS)), axis=-1)
    return float(min(np.median(stretch) for stretch in stretches) / (NORMAL_MAD * 70**0.5))
