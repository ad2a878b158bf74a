"""The proximal map of the nuclear norm."""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK_BYTES = 2**26  # of the tall matrix held in double precision at once


def singular_value_threshold(matrix: Tensor, lam: float) -> tuple[Tensor, float]:
    """argmin_X 1/2 ||X - M||_F^2 + lam ||X||_* = sum_i max(s_i - lam, 0) u_i v_i^H, and its nuclear norm.

    matrix: M, (few, many), real or complex: of a series, its frames as rows. Its singular values are those of
    the Gram matrix M M^H, (few, few), summed in double precision: what it cannot resolve, below about 1e-8
    of the largest, is far below any ``lam`` of use. X is in M's dtype.
    Raises ValueError if lam < 0.
    Source: Cai, Candes & Shen, SIAM J. Optim. 20:1956 (2010).
    """
    if not lam >= 0:
        raise ValueError(f"lam must be at least 0, got {lam}")
    values, vectors = torch.linalg.eigh(gram(matrix))
    singular = values.clamp_min(0).sqrt()
    shrunk = (singular - lam).clamp_min(0)
    factors = torch.where(shrunk > 0, shrunk / singular, 0.0)
    mixing = (vectors * factors) @ vectors.mH
    return mixing.to(matrix.dtype) @ matrix, float(shrunk.sum())


def gram(matrix: Tensor) -> Tensor:
    """M M^H of (few, many), in double precision, a piece of the columns at a time."""
    wide = torch.promote_types(matrix.dtype, torch.float64)
    total = matrix.new_zeros(len(matrix), len(matrix), dtype=wide)
    for piece in matrix.split(max(1, CHUNK_BYTES // (len(matrix) * wide.itemsize)), dim=1):
        exact = piece.to(wide)
        total += exact @ exact.mH
    return total


def largest_singular_value(matrix: Tensor) -> float:
    """Of (few, many)."""
    return float(torch.linalg.eigvalsh(gram(matrix))[-1].clamp_min(0)) ** 0.5
