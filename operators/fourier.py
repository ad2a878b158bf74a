"""The centred orthonormal 2-D Fourier transform, and the phases that replace its shifts."""

from __future__ import annotations

import torch
from torch import Tensor


def fft2c(x: Tensor) -> Tensor:
    """Image to k-space: y = F x over the last two axes, F unitary, origin and DC at ``n // 2``.

    x, y: complex (*batch, ny, nx). The same convention as sigpy.fft and fastMRI.
    """
    return _centred(torch.fft.fft2, x)


def ifft2c(y: Tensor) -> Tensor:
    """k-space to image: x = F^H y = F^-1 y, see ``fft2c``."""
    return _centred(torch.fft.ifft2, y)


def _centred(transform, x: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
    shifted = torch.fft.ifftshift(x, dim=(-2, -1))
    return torch.fft.fftshift(transform(shifted, norm="ortho"), dim=(-2, -1))


def centring_phases(shape: tuple[int, int], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Phases a, b, complex (ny, nx), with F = diag(b) FFT diag(a) / sqrt(ny nx): no data is shifted.

    Per axis of n points with c = n // 2:  a_j = exp(2 pi i c j / n),  b_k = a_k exp(-2 pi i c^2 / n).
    Holds for odd n too; for even n all are +1 or -1 to rounding. The integer products are reduced
    modulo n before the exponential, so that the phases are right to the rounding of ``dtype``.
    """
    (a_y, b_y), (a_x, b_x) = (_axis_phases(n) for n in shape)
    return torch.outer(a_y, a_x).to(dtype), torch.outer(b_y, b_x).to(dtype)


def _axis_phases(n: int) -> tuple[Tensor, Tensor]:
    c = n // 2
    index = torch.arange(n, dtype=torch.int64)
    return _root_of_unity(c * index, n), _root_of_unity(c * index - c * c, n)


def _root_of_unity(power: Tensor, n: int) -> Tensor:
    angle = 2 * torch.pi * (power % n).to(torch.float64) / n
    return torch.polar(torch.ones_like(angle), angle)
