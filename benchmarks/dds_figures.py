"""How near an image, or a volume, comes to its reference."""

from __future__ import annotations

import numpy as np

from proxflow.models.metrics.nmse import nmse, nrmse_complex
from proxflow.models.metrics.psnr import psnr
from proxflow.models.metrics.ssim import ssim

COLUMNS = {
    "psnr": ("PSNR, dB", ".2f"),
    "ssim": ("SSIM", ".4f"),
    "nrmse": ("NRMSE", ".4f"),
    "psnr_minmax": ("psnr_minmax, dB", ".2f"),
    "seconds": ("seconds", ".1f"),
}


def figures(image: np.ndarray, reference: np.ndarray, region: np.ndarray | None = None) -> dict[str, float]:
    """``psnr`` and ``ssim`` of magnitudes, or of the values of real images, with the largest magnitude of the
    reference as peak and range; ``nrmse``, ||x - ref|| / ||ref||, of complex images with their phase; all
    three over ``region``. ``psnr_minmax`` over everything. (item, y, x).
    """
    of_parts = nrmse_complex if np.iscomplexobj(reference) else nmse
    nrmse = of_parts(image, reference, region=region).value
    return {
        "psnr": psnr(image, reference, region=region).value,
        "ssim": ssim(image, reference, region=region).value,
        "nrmse": nrmse if np.iscomplexobj(reference) else nrmse**0.5,
        "psnr_minmax": psnr_minmax(image, reference),
    }


def psnr_minmax(image: np.ndarray, reference: np.ndarray) -> float:
    """PSNR, in dB, of both magnitudes after each was mapped to 0 to 1 on its own, which hides errors of
    brightness and phase.

    Source: how the code released with Chung, Lee & Ye, ICLR 2024, judges.
    """
    return psnr(_unit_range(np.abs(image)), _unit_range(np.abs(reference)), data_range=1.0).value


def _unit_range(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    unit: np.ndarray = (values - low) / ((high - low) or 1.0)
    return unit
