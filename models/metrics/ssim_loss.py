"""Structural similarity with a gradient, to train networks by."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

WINDOW, SIGMA = 11, 1.5  # Wang et al.
K1, K2 = 0.01, 0.03

Border = Literal["zeros", "inside"]


def ssim_map(x: Tensor, reference: Tensor, *, data_range: float = 1.0, border: Border = "zeros") -> Tensor:
    """SSIM at each pixel, with a Gaussian window of 11 x 11 pixels and sigma 1.5:

        (2 m_x m_r + C1)(2 s_xr + C2) / ((m_x^2 + m_r^2 + C1)(s_x^2 + s_r^2 + C2)),   C = (0.01 L, 0.03 L)^2

    Args:
        data_range: L, the range that intensities can have: 1 for images of 0 to 1. With 2, which older
            scikit-image took for every floating-point image, SSIM is higher.
        border: "zeros": images are continued by zeros, one number for each pixel; "inside": where the window
            fits, 5 pixels from the border, as scikit-image averages over.

    x, reference: float (n, channel, y, x), of one shape. Variances are those of the window, not of a sample.
    Raises ValueError where shapes differ, or no window fits.
    Source: Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Process. 13:600 (2004).
    """
    if x.shape != reference.shape or x.ndim != 4:
        got = f"{tuple(x.shape)} and {tuple(reference.shape)}"
        raise ValueError(f"x and reference must have one shape (n, channel, y, x), got {got}")
    if not data_range > 0:
        raise ValueError(f"data_range must be positive, got {data_range}")
    if border == "inside" and min(x.shape[-2:]) < WINDOW:
        raise ValueError(f"x must have at least {WINDOW} pixels along each axis, got {tuple(x.shape[-2:])}")
    products = torch.stack([x, reference, x * x, reference * reference, x * reference])
    m_x, m_r, xx, rr, xr = _smoothed(products.flatten(0, 2), border).unflatten(0, (5, *x.shape[:2]))
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * m_x * m_r + c1) / (m_x * m_x + m_r * m_r + c1)
    return luminance * (2 * (xr - m_x * m_r) + c2) / (xx - m_x * m_x + rr - m_r * m_r + c2)


def ssim_loss(x: Tensor, reference: Tensor, *, data_range: float = 1.0, border: Border = "zeros") -> Tensor:
    """-mean SSIM over all pixels and images, from -1 for equal images upwards; see ``ssim_map``.

    Its gradient is finite also where both images are constant, as C1 and C2 are not 0.
    Source: the loss of Chatterjee et al., Comput. Biol. Med. 143:105321 (2022).
    """
    return -ssim_map(x, reference, data_range=data_range, border=border).mean()


def _smoothed(images: Tensor, border: Border) -> Tensor:
    """(n, y, x) under the window, along one axis after the other."""
    offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weights = torch.exp(-0.5 * (offsets / SIGMA).square())
    weights = (weights / weights.sum()).to(images)
    pad = WINDOW // 2 if border == "zeros" else 0
    along_y = functional.conv2d(images[:, None], weights.view(1, 1, -1, 1), padding=(pad, 0))
    return functional.conv2d(along_y, weights.view(1, 1, 1, -1), padding=(0, pad))[:, 0]
