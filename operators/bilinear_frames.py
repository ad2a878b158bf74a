"""Rotate-and-sum projections of a series, every image in directions of its own, on the CPU."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from proxflow.operators.simd import add, add_scaled, load_pair, multiply, pair, pair_sum, scaled, store
from proxflow.operators.threads import n_threads, run_chunks

BORDER = 2  # pixels of zeros around an image: one to interpolate with, one for positions that are rounded
PARALLEL = 1e-12  # a direction that moves less than this per sample never crosses the image

kernel: Any = njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})


class BilinearFrames:
    """Image m in the directions of frame ``frames[m]``: x (m, J, J), y (m, view * J), one float type.

    Args:
        angles_rad: float64 (frame, view).
        n: J.
        pixel_size: scales the sums.

    The convention is that of ``BilinearRadon``. Weights are computed as they are used, so that nothing is
    held; positions are float64 in either precision. An image belongs to one thread, so that neither
    direction needs a lock, and results do not depend on the number of threads.
    """

    def __init__(self, angles_rad: np.ndarray, n: int, pixel_size: float) -> None:
        self.shape, self.n_frames, self.n_rays = (n, n), len(angles_rad), angles_rad.shape[1] * n
        self.cos, self.sin = np.cos(angles_rad), np.sin(angles_rad)
        self.pixel_size = pixel_size

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.cos.nbytes + self.sin.nbytes

    def forward(self, x: np.ndarray, frames: np.ndarray) -> np.ndarray:
        y = np.empty((len(x), self.n_rays), x.dtype)
        arguments = (x, frames, self.cos, self.sin, self.pixel_size, y)
        run_chunks(partial(_forward, *arguments), len(x), n_chunks=4 * n_threads())
        return y

    def adjoint(self, y: np.ndarray, frames: np.ndarray) -> np.ndarray:
        x = np.empty((len(y), *self.shape), y.dtype)
        arguments = (x, frames, self.cos, self.sin, self.pixel_size, y)
        run_chunks(partial(_adjoint, *arguments), len(y), n_chunks=4 * n_threads())
        return x


@kernel
def _inside(position, step, n, begin, end):  # type: ignore[no-untyped-def]
    """The t in [begin, end) with -1 <= position + t step <= n, counted from the border's first pixel."""
    low, high = BORDER - 1 - position, BORDER + n - position
    if abs(step) < PARALLEL:
        return begin, end if low <= 0 <= high else begin
    near, far = min(low / step, high / step), max(low / step, high / step)
    return max(begin, int(np.ceil(near))), min(end, int(np.floor(far)) + 1)


@kernel
def _forward(x, frames, cos, sin, pixel_size, y, begin, end):  # type: ignore[no-untyped-def]
    n, centre = x.shape[1], x.shape[1] // 2
    real, width = x.dtype.type, x.shape[1] + 2 * BORDER
    one, zero = real(1), real(0)
    padded = np.zeros(width * width, x.dtype)
    for item in range(begin, end):
        for i in range(n):
            for j in range(n):
                padded[(i + BORDER) * width + BORDER + j] = x[item, i, j]
        for view in range(cos.shape[1]):
            c, s = cos[frames[item], view], sin[frames[item], view]
            for bin_ in range(n):
                row, column = BORDER + centre - (bin_ - centre) * s, BORDER + centre + (bin_ - centre) * c
                first, stop = _inside(row, c, n, -centre, n - centre)
                first, stop = _inside(column, s, n, first, stop)
                total = pair(zero, zero)
                for t in range(first, stop):
                    at_row, at_column = row + t * c, column + t * s
                    i, j = int(at_row), int(at_column)
                    down, right, at = real(at_row - i), real(at_column - j), i * width + j
                    line = scaled(one - down, load_pair(padded, at))
                    line = add_scaled(line, down, load_pair(padded, at + width))
                    total = add(total, multiply(pair(one - right, right), line))
                y[item, view * n + bin_] = real(pixel_size) * pair_sum(total)


@kernel
def _adjoint(x, frames, cos, sin, pixel_size, y, begin, end):  # type: ignore[no-untyped-def]
    n, centre = x.shape[1], x.shape[1] // 2
    real, width = x.dtype.type, x.shape[1] + 2 * BORDER
    one = real(1)
    padded = np.zeros(width * width, x.dtype)
    for item in range(begin, end):
        padded[:] = 0
        for view in range(cos.shape[1]):
            c, s = cos[frames[item], view], sin[frames[item], view]
            for bin_ in range(n):
                row, column = BORDER + centre - (bin_ - centre) * s, BORDER + centre + (bin_ - centre) * c
                first, stop = _inside(row, c, n, -centre, n - centre)
                first, stop = _inside(column, s, n, first, stop)
                value = real(pixel_size) * y[item, view * n + bin_]
                for t in range(first, stop):
                    at_row, at_column = row + t * c, column + t * s
                    i, j = int(at_row), int(at_column)
                    down, right, at = real(at_row - i), real(at_column - j), i * width + j
                    line = pair(value * (one - right), value * right)
                    store(padded, at, add_scaled(load_pair(padded, at), one - down, line))
                    store(padded, at + width, add_scaled(load_pair(padded, at + width), down, line))
        for i in range(n):
            for j in range(n):
                x[item, i, j] = padded[(i + BORDER) * width + BORDER + j]
