"""The largest eigenvalue and its eigenvector of many small Hermitian matrices at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def dominant_eigenvector(matrices: Tensor, *, n_iter: int = 4096) -> tuple[Tensor, Tensor]:
    """Power iteration by repeated squaring: v is the longest column of G^(2^k), unit norm.

    Squaring needs no starting vector, which could be orthogonal to v, and k squarings do the work of 2^k
    iterations. M = G^(2^k) / trace has trace(M^2) = 1 - 2 q + O(q^2), where q is the ratio of the two
    largest eigenvalues to the power 2^k; a matrix is left at M^2 once q^2 is at rounding level.

    Args:
        matrices: complex or real (batch, n, n), Hermitian and positive semi-definite.
        n_iter: power iterations at most, rounded up to a power of two. What has not converged by then
            (two eigenvalues equal to about 10 / n_iter) has no single dominant direction; its result is a
            unit vector within the leading eigenspace.

    Returns:
        vectors (batch, n) of unit norm, arbitrary phase, and Rayleigh quotients v^H G v, real (batch,).
        A zero matrix gives a zero vector.
    """
    tiny = torch.finfo(matrices.dtype).tiny
    tolerance = math.sqrt(torch.finfo(matrices.dtype).eps)
    vectors = matrices.new_zeros(matrices.shape[:-1])
    active = torch.arange(len(matrices), device=matrices.device)
    power = matrices / _trace(matrices).clamp_min(tiny)[:, None, None]
    n_squarings = max(1, math.ceil(math.log2(max(1, n_iter))))
    for k in range(1, n_squarings + 1):
        power = power @ power
        trace = _trace(power)
        done = trace > 1 - tolerance if k < n_squarings else torch.ones_like(trace, dtype=torch.bool)
        vectors[active[done]] = _longest_column(power[done], tiny)
        active, power = active[~done], power[~done] / trace[~done].clamp_min(tiny)[:, None, None]
        if not len(active):
            break
    image = (matrices @ vectors[..., None])[..., 0]
    return vectors, (vectors.conj() * image).sum(-1).real


def _trace(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=-2, dim2=-1).real.sum(-1)


def _longest_column(matrices: Tensor, tiny: float) -> Tensor:
    # Near rank one, M ~ v v^H: the column with the largest diagonal entry is the longest.
    index = matrices.diagonal(dim1=-2, dim2=-1).real.argmax(-1)
    column = matrices.take_along_dim(index[:, None, None], dim=-1)[..., 0]
    norm = (column * column.conj()).real.sum(-1, keepdim=True).sqrt()  # quicker than a norm of complex values
    return column / norm.clamp_min(tiny)
