"""The phase that coils, fields and motion give to an image, told from the image itself."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.operators.fourier import fft2c, ifft2c

CYCLES = 6.0  # standard deviation of the window: what a few central lines tell


def low_phase(image: Tensor) -> Tensor:
    """exp(i arg(F^H w F x)), w a Gaussian of 6 cycles per field of view, over the last two axes; 1 where the
    smoothed image is 0. complex (..., y, x), as ``image``.

    Source: the phase of central k-space, Noll, Nishimura & Macovski, IEEE Trans. Med. Imaging 10:154 (1991),
    whose window is a box.
    """
    ky, kx = (torch.arange(n, device=image.device, dtype=image.real.dtype) - n // 2 for n in image.shape[-2:])
    window = torch.exp(-(ky[:, None].square() + kx.square()) / (2 * CYCLES**2))
    smoothed = ifft2c(window * fft2c(image))
    return torch.polar(torch.ones_like(smoothed.real), smoothed.angle())
