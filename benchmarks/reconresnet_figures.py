"""How near magnitudes come to their reference, with both ranges that structural similarity is told."""

from __future__ import annotations

import numpy as np

from proxflow.models.metrics.nmse import nmse
from proxflow.models.metrics.psnr import psnr
from proxflow.models.metrics.ssim import ssim

COLUMNS = {
    "acceleration": ("R", 1),
    "ssim": ("SSIM, range 1", 4),
    "ssim_2": ("SSIM, range 2", 4),
    "psnr": ("PSNR, dB", 2),
    "nmse": ("NMSE", 4),
    "lesion_ssim": ("SSIM in the lesion", 4),
    "lesion_psnr": ("PSNR in the lesion, dB", 2),
    "lesion_nmse": ("NMSE in the lesion", 4),
    "seconds": ("CPU s", 2),
}
SPREAD = tuple(name for name in COLUMNS if name not in ("acceleration", "seconds"))


def magnitude_figures(
    image: np.ndarray, reference: np.ndarray, region: np.ndarray | None = None
) -> dict[str, float]:
    """Of magnitudes over ``region``, (item, y, x), the reference's peak being about 1, which PSNR and SSIM
    take for the range whatever a slice's own brightest pixel is. ``ssim_2`` has a range of 2, which
    scikit-image took for floating-point images at the time of the paper, and is what its figures are to be
    compared with.
    """
    x, ref = np.abs(image), np.abs(reference)
    return {
        "ssim": ssim(x, ref, region=region, data_range=1.0).value,
        "ssim_2": ssim(x, ref, region=region, data_range=2.0).value,
        "psnr": psnr(x, ref, region=region, data_range=1.0).value,
        "nmse": nmse(x, ref, region=region).value,
    }


def figures_and_lesion(
    image: np.ndarray, reference: np.ndarray, lesion: np.ndarray | None = None
) -> dict[str, float]:
    """``magnitude_figures`` of everything and, where there is a lesion, those within it but for range 2."""
    found = magnitude_figures(image, reference)
    if lesion is None:
        return found
    within = magnitude_figures(image, reference, lesion)
    return found | {f"lesion_{name}": value for name, value in within.items() if name != "ssim_2"}
