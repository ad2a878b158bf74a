"""The largest singular value of an operator, for step sizes; of a series, that of its frames."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator
from proxflow.operators.frame_operator import FrameOperator


def operator_norm(
    operator: LinearOperator,
    *,
    n_iter: int = 30,
    tol: float = 1e-4,
    dtype: torch.dtype = torch.complex64,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> float:
    """||A||_2 by power iteration  x <- A^H A x / ||A^H A x||, from seeded Gaussian noise.

    Returns sqrt(||A^H A x||) for the last unit vector x: never above ||A|| but for rounding, so a step
    size wants a margin. Stops once it changes by less than ``tol``, relative, or after ``n_iter``
    applications of ``normal``. Zero for the zero operator.
    Raises ValueError if ``n_iter`` is below one.
    Source: Golub & Van Loan, Matrix Computations, sec. 7.3.
    """
    if n_iter < 1:
        raise ValueError(f"n_iter must be at least 1, got {n_iter}")
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(operator.domain_shape, generator=generator, dtype=dtype).to(device)
    x /= _norm(x)
    norm = 0.0
    with torch.no_grad():
        for _ in range(n_iter):
            x = operator.normal(x)
            eigenvalue = _norm(x)
            previous, norm = norm, float(eigenvalue) ** 0.5
            if norm == 0 or abs(norm - previous) <= tol * norm:
                break
            x = x / eigenvalue
    return norm


def largest_frame_norm(
    operator: FrameOperator,
    *,
    n_iter: int = 30,
    tol: float = 1e-4,
    dtype: torch.dtype = torch.complex64,
    seed: int = 0,
) -> float:
    """max_t ||A_t||_2 by power iteration on every frame, each scaled by itself, from seeded Gaussian noise.

    As ``operator_norm``, on the device of the operator's mask; it stops once the largest norm changes by less
    than ``tol``. Iterating on the series as a whole would reach it later: where norms of frames are near each
    other, the largest frame takes long to outweigh the rest. Raises ValueError if ``n_iter`` is below one.
    """
    if n_iter < 1:
        raise ValueError(f"n_iter must be at least 1, got {n_iter}")
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(operator.domain_shape, generator=generator, dtype=dtype).to(operator.mask.device)
    norm = 0.0
    with torch.no_grad():
        for _ in range(n_iter):
            lengths = torch.stack([_norm(frame) for frame in x]).clamp(min=torch.finfo(x.real.dtype).tiny)
            x = operator.normal(x / lengths.reshape(-1, *[1] * (x.ndim - 1)))
            previous, norm = norm, max(float(_norm(frame)) for frame in x) ** 0.5
            if norm == 0 or abs(norm - previous) <= tol * norm:
                break
    return norm


def _norm(x: Tensor) -> Tensor:
    """||x||_2, axis by axis: in one go it is split over threads, and would be rounded by their number."""
    for _ in range(x.ndim):
        x = torch.linalg.vector_norm(x, dim=-1)
    return x
