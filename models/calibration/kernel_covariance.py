"""From a calibration region to the coil-by-coil covariance that ESPIRiT diagonalises in every pixel."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def kernel_correlation(acs: Tensor, *, kernel_width: int, threshold: float) -> Tensor:
    """Cross-correlation of the ESPIRiT kernels, i.e. the convolution kernel W with W * k = k on clean data.

    The rows of the calibration matrix A are all ``coil x kernel_width x kernel_width`` patches of the
    ACS. With its singular vectors v_k above ``threshold`` times the largest singular value and
    P = sum_k v_k v_k^H, the projector on the space the patches span,

        W[d, c, c'] = 1 / kernel_width^2  sum_{u - u' = d} P[(c, u), (c', u')].

    Args:
        acs: complex (coil, height, width), height and width at least ``kernel_width``.

    Returns complex128 (coil, coil, 2 kernel_width - 1, 2 kernel_width - 1), the last axes running over
    d = -(kernel_width - 1) ... kernel_width - 1. P is found from the eigenvectors of the smaller of
    A A^H and A^H A, in double precision since this squares the singular values.
    """
    n_coils = acs.shape[0]
    patches = acs.to(torch.complex128).unfold(1, kernel_width, 1).unfold(2, kernel_width, 1)
    matrix = patches.permute(1, 2, 0, 3, 4).reshape(-1, n_coils * kernel_width**2)
    basis = _row_basis(matrix / matrix.abs().max(), threshold)
    projector = basis @ basis.mH
    projector = projector.reshape(n_coils, kernel_width, kernel_width, n_coils, kernel_width, kernel_width)
    size = 2 * kernel_width - 1
    correlation = projector.new_zeros(n_coils, n_coils, size, size)
    for v in range(kernel_width):
        for u in range(kernel_width):
            # The second kernel's tap (kernel_width - 1 - v, ...) puts tap 0 of the first at d index v.
            shifted = projector[..., kernel_width - 1 - v, kernel_width - 1 - u].permute(0, 3, 1, 2)
            correlation[..., v : v + kernel_width, u : u + kernel_width] += shifted
    return correlation / kernel_width**2


def covariance_factors(
    correlation: Tensor, shape: tuple[int, int], dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Two factors whose product is the image-domain coil covariance, one image row at a time.

        G(y, x)[c, c'] = sum_d W[d, c, c'] exp(2 pi i (d_y y / ny + d_x x / nx)),  y, x from the image centre

    Only (2 kernel_width - 1)^2 lags are not zero, so a direct Fourier sum costs less than a padded FFT
    and gives any rows of G alone: ``(left[rows] @ right).view(rows, nx, coil, coil)``.

    Returns left (ny, lag) and right (lag, nx * coil * coil), both of ``dtype``.
    """
    left, across = (_phases(n, correlation) for n in shape)
    right = torch.einsum("cdvu,xu->vxcd", correlation, across)
    return left.to(dtype), right.flatten(1).to(dtype)


def _row_basis(matrix: Tensor, threshold: float) -> Tensor:
    """Orthonormal columns spanning the (unconjugated) rows of ``matrix`` with s > threshold * s_max."""
    rows, columns = matrix.shape
    if rows < columns:
        values, vectors = torch.linalg.eigh(matrix @ matrix.mH)
        keep = values > threshold**2 * values[-1]
        return (matrix.mT @ vectors[:, keep].conj()) / values[keep].sqrt()
    values, vectors = torch.linalg.eigh(matrix.mT @ matrix.conj())
    return vectors[:, values > threshold**2 * values[-1]]


def _phases(n: int, like: Tensor) -> Tensor:
    """exp(2 pi i d r / n) for r = -(n // 2) ... and the lags d; complex128 (n, lag)."""
    reach = like.shape[-1] // 2
    position = torch.arange(n, dtype=torch.float64, device=like.device) - n // 2
    lag = torch.arange(-reach, reach + 1, dtype=torch.float64, device=like.device)
    angle = 2 * math.pi / n * position[:, None] * lag
    return torch.polar(torch.ones_like(angle), angle)
