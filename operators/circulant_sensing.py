"""Compressed sensing by a random circulant matrix of which some rows are kept."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, check_trailing_axes


class CirculantSensing(LinearOperator):
    """y = [F^-1 (F(s x) F(a))]_Omega: random signs, a circulant Gaussian matrix, and some of its rows.

    F is the orthonormal DFT of the image as one vector of n pixels, a ~ N(0, 1), s = +-1, Omega drawn without
    replacement. The rows have norm 1 in expectation; ||A||^2 is about 1.8 for n / 16 of n = 262 144 rows and
    3.5 for n / 4.

    Args:
        shape: (ny, nx) of x.
        n_rows: how many measurements, 1 to n.
        seed: of a, s and Omega.

    x: (*batch, ny, nx), y: (*batch, n_rows), in the unit of x, real where x is.
    Raises ValueError if n_rows is not in that range, and for other trailing axes.
    Source: Romberg, SIAM J. Imaging Sci. 2:1098 (2009); as in the code of Fang, Buchanan & Sulam, ICLR 2024.
    """

    signs: Tensor
    spectrum: Tensor
    rows: Tensor

    def __init__(self, shape: tuple[int, int], n_rows: int, *, seed: int = 0) -> None:
        super().__init__()
        n = math.prod(shape)
        if not 1 <= n_rows <= n:
            raise ValueError(f"n_rows must be from 1 to {n}, got {n_rows}")
        rng = torch.Generator().manual_seed(seed)
        kernel = torch.randn(n, generator=rng, dtype=torch.float64)
        signs = torch.randint(0, 2, (n,), generator=rng, dtype=torch.int8) * 2 - 1
        self.register_buffer("signs", signs)
        self.register_buffer("spectrum", torch.fft.fft(kernel, norm="ortho"))
        self.register_buffer("rows", torch.randperm(n, generator=rng)[:n_rows].sort().values)
        self.domain_shape, self.range_shape = tuple(shape), (n_rows,)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self._filtered(x.flatten(-2) * self.signs, self.spectrum)[..., self.rows]

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        filled = y.new_zeros(*y.shape[:-1], len(self.signs)).index_copy(-1, self.rows, y)
        return (self._filtered(filled, self.spectrum.conj()) * self.signs).unflatten(-1, self.domain_shape)

    def _filtered(self, u: Tensor, spectrum: Tensor) -> Tensor:
        """F^-1 (F u times spectrum), by half of the spectrum where u is real."""
        n = len(self.signs)
        if u.is_complex():
            return torch.fft.ifft(torch.fft.fft(u) * spectrum.to(u.dtype))
        half = spectrum[: n // 2 + 1].to(u.dtype.to_complex())
        return torch.fft.irfft(torch.fft.rfft(u) * half, n=n)
