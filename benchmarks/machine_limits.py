"""The machine's rates, as limits that are measured in turn with what they bound."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from benchmarks.operator_row import Limit

SIDE = 1024  # of the square matrices
STREAMED = 1 << 28  # bytes, many times the caches


def flops_limit(flops: float, text: str) -> Limit:
    """Real flops at the rate of a float32 matrix product."""
    a = _square(torch.float32)
    return Limit(f"{text} at the GEMM rate", lambda: a @ a, flops / (2 * SIDE**3))


def complex_products_limit(products: float) -> Limit:
    """Complex multiply-adds at the rate of a complex64 matrix product."""
    a = _square(torch.complex64)
    return Limit(
        f"{products / 1e6:.0f} M complex products at the GEMM rate", lambda: a @ a, products / SIDE**3
    )


def bytes_limit(size: float, text: str) -> Limit:
    """Bytes read once at the rate of a sum over an array that no cache holds."""
    a = _stream()
    return Limit(f"{size / 2**20:.0f} MiB {text} at the bandwidth", a.sum, size / a.nbytes)


def fft_limit(n_transforms: int, n_coils: int, shape: tuple[int, int], text: str) -> Limit:
    """2-D FFTs alone, two coils at a time, which the caches like better than all in one call."""
    grids = torch.zeros(n_coils, *shape, dtype=torch.complex64).split(2)

    def transform() -> None:
        for grid in grids:
            for _ in range(n_transforms):
                torch.fft.fft2(grid)

    return Limit(f"{n_transforms} FFT of {shape[0]} x {shape[1]} {text}", transform)


def line_fft_limit(n_transforms: int, n_coils: int, shape: tuple[int, int]) -> Limit:
    """1-D FFTs of all rows, which are faster than those of columns."""
    lines = torch.zeros(n_coils, *shape, dtype=torch.complex64)

    def transform() -> None:
        for _ in range(n_transforms):
            torch.fft.fft(lines)

    return Limit(f"{n_transforms} FFT of {shape[0]} lines of {shape[1]} per coil", transform)


@lru_cache
def _square(dtype: torch.dtype) -> Tensor:
    return torch.ones(SIDE, SIDE, dtype=dtype)


@lru_cache
def _stream() -> Tensor:
    return torch.ones(STREAMED // 4)
