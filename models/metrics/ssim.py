"""Structural similarity."""

from __future__ import annotations

import numpy as np

from proxflow.models.metrics.compared import compared
from proxflow.models.metrics.psnr import reference_range
from proxflow.models.metrics.region import broadcast_region
from proxflow.models.metrics.value import Score

WINDOW = 7  # scikit-image's default, which fastMRI uses


def ssim(
    image: np.ndarray,
    reference: np.ndarray,
    *,
    region: np.ndarray | None = None,
    data_range: float | None = None,
) -> Score:
    """SSIM of magnitudes per item with a 7 x 7 uniform window, then the mean over items.

        SSIM = (2 m_x m_r + C1)(2 s_xr + C2) / ((m_x^2 + m_r^2 + C1)(s_x^2 + s_r^2 + C2))

    with C1 = (0.01 L)^2, C2 = (0.03 L)^2, sample (co)variances, and L the maximum of the whole
    reference volume. An item's number is the mean of its SSIM map over the region, leaving out
    the border of 3 pixels where the window does not fit; a window of a region's pixel may reach
    outside the region. image, reference: (item, y, x), same unit, at least 7 x 7 pixels.
    Source: fastMRI, ``evaluate.ssim``; scikit-image's ``structural_similarity`` with its defaults.
    """
    from skimage.metrics import structural_similarity  # half a second to import

    x, ref = compared(image, reference)
    if min(ref.shape[-2:]) < WINDOW:
        raise ValueError(
            f"image must have at least {WINDOW} x {WINDOW} pixels for ssim, got {ref.shape[-2:]}"
        )
    pixels = broadcast_region(region, ref.shape)
    peak = reference_range(ref, data_range)
    inside = np.zeros(ref.shape[-2:], dtype=bool)
    border = WINDOW // 2
    inside[border : ref.shape[-2] - border, border : ref.shape[-1] - border] = True
    per_item = np.empty(len(ref))
    for index in range(len(ref)):
        keep = pixels[index] & inside
        if not keep.any():
            raise ValueError(f"region must reach {border} pixels inside the image for ssim, got item {index}")
        _, ssim_map = structural_similarity(ref[index], x[index], data_range=peak, win_size=WINDOW, full=True)
        per_item[index] = ssim_map[keep].mean()
    return Score(per_item, np.ones(len(ref)))
