"""Peak signal-to-noise ratio."""

from __future__ import annotations

import numpy as np

from proxflow.models.metrics.compared import compared
from proxflow.models.metrics.region import broadcast_region
from proxflow.models.metrics.value import Score


def reference_range(reference: np.ndarray, data_range: float | None = None) -> float:
    """The data range L of PSNR and SSIM: the maximum of |reference| over the volume unless given.

    Raises ValueError unless L is positive and finite.
    """
    peak = float(np.abs(reference).max()) if data_range is None else float(data_range)
    if not (np.isfinite(peak) and peak > 0):
        raise ValueError(f"data_range must be positive and finite, got {peak}")
    return peak


def psnr(
    image: np.ndarray,
    reference: np.ndarray,
    *,
    region: np.ndarray | None = None,
    data_range: float | None = None,
) -> Score:
    """PSNR = 10 log10(L^2 / mean((|ref| - |x|)^2)) in dB, the mean over the region of the volume.

    L is the maximum of the whole reference volume, also for single items and in a region. Equal
    images give +inf. Two real images are compared by their values, here and in the other metrics.
    image, reference: (item, y, x), same unit. Source: fastMRI, ``evaluate.psnr``.
    """
    x, ref = compared(image, reference)
    pixels = broadcast_region(region, ref.shape)
    peak = reference_range(ref, data_range)
    squared = np.sum((ref - x) ** 2, axis=(-2, -1), where=pixels)

    def decibels(mean: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.asarray(10 * np.log10(peak**2 / mean))

    return Score(squared, np.asarray(np.sum(pixels, axis=(-2, -1), dtype=np.float64)), decibels)
