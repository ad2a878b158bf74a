"""How near the magnitude of a volume comes to a scene that is nearly empty."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import binary_dilation
from skimage.metrics import structural_similarity
from torch import Tensor

from proxflow.models.denoisers.adjoint_scenes import unit_magnitude

PRESENT, REACH = 0.05, 2  # a voxel of the target, as a part of the peak; voxels around it that count too
WINDOW_SIGMA = 1.5  # of SSIM, cut at 11 voxels


def normalised(image: Tensor) -> Tensor:
    """|x| / max |x| of each volume (..., z, y, x); 0 where x is."""
    return unit_magnitude(image, 3)


def target_mask(truth: np.ndarray) -> np.ndarray:
    """Voxels at most two along every axis from one with more than 5 % of the peak of ``truth`` (z, y, x)."""
    mask: np.ndarray = binary_dilation(truth > PRESENT * truth.max(), np.ones((3, 3, 3)), iterations=REACH)
    return mask


def psnr(image: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """10 log10(max truth^2 / mean (truth - image)^2) in dB, the mean over ``mask`` or all voxels."""
    error = np.square(truth.astype(np.float64) - image)
    return 10 * math.log10(float(truth.max()) ** 2 / max(float(np.mean(error, where=_all(mask))), 1e-30))


def magnitude_figures(image: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """``psnr``, ``target`` (PSNR on the dilated target) and ``ssim`` of a magnitude with a peak of 1, and the
    first two of an image of zeros: ``empty``, ``target_empty``.

    SSIM is 3-D with a Gaussian window of 11^3 voxels and a data range of 1.
    """
    mask, zeros = target_mask(truth), np.zeros_like(truth)
    ssim = structural_similarity(
        truth,
        image,
        data_range=1.0,
        gaussian_weights=True,
        sigma=WINDOW_SIGMA,
        use_sample_covariance=False,
    )
    return {
        "psnr": psnr(image, truth),
        "empty": psnr(zeros, truth),
        "target": psnr(image, truth, mask),
        "target_empty": psnr(zeros, truth, mask),
        "ssim": float(ssim),
    }


def _all(mask: np.ndarray | None) -> np.ndarray | bool:
    return True if mask is None else mask
