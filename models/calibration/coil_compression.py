"""Coil compression: fewer virtual coils that keep most of the signal."""

from __future__ import annotations

import torch
from torch import Tensor


def compression_matrix(kspace: Tensor, n_coils: int) -> tuple[Tensor, float]:
    """The ``n_coils`` leading principal components of the coils, by SVD.

    With K the samples as a matrix (coil, sample) and K = U S V^H, the matrix is the first rows of U^H:
    of all orthonormal ones it keeps the most energy, sum_{k < n_coils} s_k^2 / sum_k s_k^2.

    Args:
        kspace: complex (coil, ...), any unit; unsampled entries may be zero. Whiten it first if the
            coils' noise is correlated or unequal.
        n_coils: virtual coils to keep, 1 to coil.

    Returns:
        matrix, complex (n_coils, coil), orthonormal rows in order of falling energy, the largest entry
        of each real and positive so that the result does not depend on the linear algebra library;
        and the energy fraction kept, 0 to 1.

    Raises ValueError if ``n_coils`` is out of range or the samples are all zero or not finite.
    Source: Huang et al., Magn. Reson. Imaging 26:133 (2008).
    """
    samples = kspace.flatten(1).to(torch.complex128)
    if not 1 <= n_coils <= len(samples):
        raise ValueError(f"n_coils must lie between 1 and {len(samples)}, got {n_coils}")
    energy = torch.linalg.vector_norm(samples).item() ** 2
    if not 0 < energy < float("inf"):
        raise ValueError(f"kspace must hold finite, non-zero samples to compress coils, got energy {energy}")
    values, vectors = torch.linalg.eigh(samples @ samples.mH)  # coil x coil: U and s^2, rising
    matrix = vectors.flip(1)[:, :n_coils].mH
    largest = matrix.take_along_dim(matrix.abs().argmax(1, keepdim=True), dim=1)
    matrix = matrix * (largest.conj() / largest.abs())
    fraction = (values.flip(0)[:n_coils].sum() / values.sum()).item()
    return matrix.to(kspace.dtype), min(1.0, fraction)


def apply_coil_matrix(matrix: Tensor, kspace: Tensor) -> Tensor:
    """Mix coils: out[..., v, ky, kx] = sum_c matrix[v, c] kspace[..., c, ky, kx].

    Args:
        matrix: complex (new coil, coil): compression, whitening, or their product.
        kspace: complex (*batch, coil, ky, kx), or images or maps (*batch, coil, y, x).

    Raises ValueError if the numbers of coils differ.
    """
    if kspace.ndim < 3 or kspace.shape[-3] != matrix.shape[1]:
        raise ValueError(
            f"kspace must have axes (..., coil, ky, kx) with {matrix.shape[1]} coils, "
            f"got shape {tuple(kspace.shape)}"
        )
    mixed = matrix.to(kspace.dtype) @ kspace.flatten(-2)
    return mixed.unflatten(-1, kspace.shape[-2:])
