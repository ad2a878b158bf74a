"""Coil maps from low-resolution images: fast, and a check on ESPIRiT."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.calibration.acs import central_block
from proxflow.operators.fourier import ifft2c


def lowres_maps(kspace: Tensor, *, acs_shape: tuple[int, int], threshold: float = 0.1) -> Tensor:
    """S_c = m_c / sqrt(sum_c |m_c|^2), m_c = F^H (w k_c) the image of the Hamming-windowed ACS.

    Zero where the root sum of squares is at most ``threshold`` times its maximum, and
    sum_c |S_c|^2 = 1 elsewhere. Phase: relative to coil 0 (S_0 real and >= 0), as ``espirit``.

    Args:
        kspace: complex (coil, ky, kx), any unit, DC at n // 2.
        acs_shape: height and width of the centred region used; it must be fully sampled.
        threshold: relative to the brightest pixel, 0 to 1.

    Returns complex (coil, y, x). Smooth by construction, so wrong at the object's edge, where the image
    changes faster than the window resolves: ESPIRiT is better there.
    Raises ValueError if the region does not fit, holds no signal or is not finite.
    Source: McKenzie et al., Magn. Reson. Med. 47:529 (2002).
    """
    if kspace.ndim != 3 or not kspace.is_complex():
        raise ValueError(
            f"kspace must be complex with axes (coil, ky, kx), "
            f"got {kspace.dtype} of shape {tuple(kspace.shape)}"
        )
    acs = central_block(kspace, acs_shape)
    if not torch.isfinite(acs).all():
        raise ValueError("calibration region must be finite, got NaN or Inf")
    if not acs.any():
        raise ValueError(f"calibration region must hold signal, got {acs_shape[0]} x {acs_shape[1]} zeros")
    windows = [_hamming(n, acs) for n in acs_shape]
    windowed = torch.zeros_like(kspace)
    central_block(windowed, acs_shape).copy_(acs * windows[0][:, None] * windows[1])
    images = ifft2c(windowed)
    rss = torch.linalg.vector_norm(images, dim=0)
    images = images * torch.polar(torch.ones_like(rss), -images[0].angle())
    return torch.where(rss > threshold * rss.max(), images / rss.clamp_min(torch.finfo(rss.dtype).tiny), 0)


def _hamming(n: int, like: Tensor) -> Tensor:
    # Centred on DC at n // 2 for even n too, which torch's symmetric window is not.
    position = torch.arange(n, device=like.device, dtype=like.real.dtype) - n // 2
    return 0.54 + 0.46 * torch.cos(2 * torch.pi * position / n)
