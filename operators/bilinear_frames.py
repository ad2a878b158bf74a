"""Rotate-and-sum projections of a series, every image in directions of its own, on the CPU."""

from __future__ import annotations

from functools import partial

import numpy as np

from proxflow.operators.kernel import kernel
from proxflow.operators.simd import add, add_scaled, load_pair, multiply, pair, pair_sum, scaled, store
from proxflow.operators.threads import n_threads, run_chunks

BORDER = 1  # pixels of zeros around an image
FRACTION_BITS = 48  # of a pixel, in fixed-point positions, which are faster to take apart than floats
ONE_PIXEL = 1 << FRACTION_BITS
FRACTION = ONE_PIXEL - 1
UNIT = 2.0**-FRACTION_BITS
MOST_PIXELS = 1 << 13  # of a side: positions stay within 64 bits
APART = (
    3  # samples of a ray from one to the next that shares no pixel with it: loads need not wait for stores
)


class BilinearFrames:
    """Image m in the directions of frame ``frames[m]``: x (m, J, J), y (m, view * J), one float type.

    Args:
        angles_rad: float64 (frame, view).
        n: J.
        pixel_size: scales the sums.

    The convention is that of ``BilinearRadon``. Weights are computed as they are used, so that nothing is
    held; positions are rounded to 2^-48 pixel per sample. An image belongs to one thread, so that neither
    direction needs a lock, and results do not depend on the number of threads.
    Raises ValueError if J is above 8192.
    """

    def __init__(self, angles_rad: np.ndarray, n: int, pixel_size: float) -> None:
        if n > MOST_PIXELS:
            raise ValueError(f"shape must be at most {MOST_PIXELS} pixels wide, got {n}")
        self.shape, self.n_frames, self.n_rays = (n, n), len(angles_rad), angles_rad.shape[1] * n
        cos, sin = np.cos(angles_rad), np.sin(angles_rad)
        self.cos, self.sin = (np.rint(part * ONE_PIXEL).astype(np.int64) for part in (cos, sin))
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
    """The t in [begin, end) with 0 <= position + t step < n + 1 pixels, as a first and a last but one."""
    last = ((n + 1) << FRACTION_BITS) - 1
    if step == 0:
        return begin, end if 0 <= position <= last else begin
    if step < 0:  # seen from the other end, every ray steps upwards
        position, step = last - position, -step
    return max(begin, -(position // step)), min(end, (last - position) // step + 1)


@kernel
def _forward(x, frames, cos, sin, pixel_size, y, begin, end):  # type: ignore[no-untyped-def]
    n, centre, width = x.shape[1], x.shape[1] // 2, x.shape[1] + 2 * BORDER
    axis = (centre + BORDER) << FRACTION_BITS
    real = x.dtype.type
    unit, one, zero = real(UNIT), real(1), real(0)
    left, slope = pair(one, zero), pair(-unit, unit)  # left + fraction * slope = (1 - f, f)
    padded = np.zeros(width * width, x.dtype)
    for item in range(begin, end):
        for i in range(n):
            for j in range(n):
                padded[(i + BORDER) * width + BORDER + j] = x[item, i, j]
        for view in range(cos.shape[1]):
            c, s = cos[frames[item], view], sin[frames[item], view]
            for bin_ in range(n):
                row, column = axis - (bin_ - centre) * s, axis + (bin_ - centre) * c
                first, stop = _inside(row, c, n, -centre, n - centre)
                first, stop = _inside(column, s, n, first, stop)
                row, column = row + first * c, column + first * s
                total = pair(zero, zero)
                for _ in range(stop - first):
                    at = (row >> FRACTION_BITS) * width + (column >> FRACTION_BITS)
                    down = real(row & FRACTION) * unit
                    line = scaled(one - down, load_pair(padded, at))
                    line = add_scaled(line, down, load_pair(padded, at + width))
                    total = add(total, multiply(add_scaled(left, real(column & FRACTION), slope), line))
                    row, column = row + c, column + s
                y[item, view * n + bin_] = real(pixel_size) * pair_sum(total)


@kernel
def _adjoint(x, frames, cos, sin, pixel_size, y, begin, end):  # type: ignore[no-untyped-def]
    n, centre, width = x.shape[1], x.shape[1] // 2, x.shape[1] + 2 * BORDER
    axis = (centre + BORDER) << FRACTION_BITS
    real = x.dtype.type
    unit, one, zero = real(UNIT), real(1), real(0)
    padded = np.zeros(width * width, x.dtype)
    for item in range(begin, end):
        padded[:] = 0
        for view in range(cos.shape[1]):
            c, s = cos[frames[item], view], sin[frames[item], view]
            for bin_ in range(n):
                row, column = axis - (bin_ - centre) * s, axis + (bin_ - centre) * c
                first, stop = _inside(row, c, n, -centre, n - centre)
                first, stop = _inside(column, s, n, first, stop)
                value = real(pixel_size) * y[item, view * n + bin_]
                left, slope = pair(value, zero), pair(-unit * value, unit * value)
                for phase in range(first, first + APART):
                    at_row, at_column = row + phase * c, column + phase * s
                    for _ in range(phase, stop, APART):
                        at = (at_row >> FRACTION_BITS) * width + (at_column >> FRACTION_BITS)
                        down = real(at_row & FRACTION) * unit
                        line = add_scaled(left, real(at_column & FRACTION), slope)
                        store(padded, at, add_scaled(load_pair(padded, at), one - down, line))
                        store(padded, at + width, add_scaled(load_pair(padded, at + width), down, line))
                        at_row, at_column = at_row + APART * c, at_column + APART * s
        for i in range(n):
            for j in range(n):
                x[item, i, j] = padded[(i + BORDER) * width + BORDER + j]
