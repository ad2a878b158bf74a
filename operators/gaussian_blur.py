"""Gaussian blur that keeps all light, also what falls beyond the image's edge."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.linalg import eig_banded
from torch import Tensor
from torch.nn import functional

from proxflow.operators.base import LinearOperator, check_trailing_axes

LEAST_SIDE, REACH = 5, 3  # the kernel's side is max(5, int(3 sigma)), plus 1 where that is even


class GaussianBlur(LinearOperator):
    """y = k * x, the full convolution with a Gaussian that sums to 1, zero outside the image.

    y[i, j] = sum_pq k_p k_q x[i - p, j - q], so that y has side - 1 pixels more than x along each axis, and
    stands (side - 1) / 2 further down and right. ||A|| <= 1.

    Args:
        shape: (ny, nx) of x.
        sigma: standard deviation in pixels.
        side: of the kernel, odd; None: 5, or int(3 sigma) made odd where that is more.

    x: (*batch, ny, nx), real or complex, any unit; colours are a batch axis. y: (*batch, ny + side - 1,
    nx + side - 1).  Raises ValueError if sigma is not positive or side even, and for other trailing axes.
    Source: the deblurring of Fang, Buchanan & Sulam, ICLR 2024, by its code.
    """

    taps: Tensor

    def __init__(self, shape: tuple[int, int], sigma: float, *, side: int | None = None) -> None:
        super().__init__()
        if not sigma > 0:
            raise ValueError(f"sigma must be positive, got {sigma}")
        side = max(LEAST_SIDE, int(REACH * sigma)) // 2 * 2 + 1 if side is None else side
        if side < 1 or side % 2 == 0:
            raise ValueError(f"side must be odd and at least 1, got {side}")
        places = torch.arange(side, dtype=torch.float64) - side // 2
        taps = torch.exp(-0.5 * (places / sigma) ** 2)
        self.register_buffer("taps", taps / taps.sum())
        self.domain_shape = tuple(shape)
        self.range_shape = (shape[0] + side - 1, shape[1] + side - 1)

    @property
    def norm(self) -> float:
        """||A||: the product of those of the Toeplitz matrices T of both axes, by the bands of T^T T."""
        taps = self.taps.double().cpu().numpy()
        correlation = np.correlate(taps, taps, "full")[len(taps) - 1 :]
        return math.prod(_toeplitz_norm(correlation, n) for n in self.domain_shape)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        around = len(self.taps) - 1
        return self._along(self._along(functional.pad(x, (around,) * 4), -1), -2)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        return self._along(self._along(y, -1), -2)

    def _along(self, x: Tensor, axis: int) -> Tensor:
        """sum_p k_p x[i + p] where x has all of it; the Gaussian is even, so p counts from either end."""
        n = x.shape[axis] - len(self.taps) + 1
        first, *others = self.taps.tolist()
        total = first * x.narrow(axis, 0, n)
        for p, tap in enumerate(others, 1):
            total.add_(x.narrow(axis, p, n), alpha=tap)
        return total


def _toeplitz_norm(correlation: np.ndarray, n: int) -> float:
    """Root of the largest eigenvalue of the n x n matrix with ``correlation[k]`` beside the diagonal."""
    bands = np.repeat(correlation[:n, None], n, axis=1)
    largest = eig_banded(bands, lower=True, eigvals_only=True, select="i", select_range=(n - 1, n - 1))
    return math.sqrt(largest[0])
