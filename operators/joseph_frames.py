"""Joseph's line integrals of a series, every image along rays of its own, on the CPU."""

from __future__ import annotations

from functools import partial

import numpy as np

from proxflow.operators.joseph_2d import sum_rays
from proxflow.operators.kernel import kernel
from proxflow.operators.rays_2d import FRACTION_BITS, MarchedRays
from proxflow.operators.simd import add, add_scaled, load_pair, pair, store
from proxflow.operators.threads import n_threads, run_chunks

FRACTION = (1 << FRACTION_BITS) - 1
UNIT = 2.0**-FRACTION_BITS
TILE = 16  # columns transposed together: a cache line of float32


class JosephFrames:
    """Image m along the rays of frame ``frames[m]``: x (m, ny, nx), y (m, rays of a frame), one float type.

    Args:
        marched: the rays of all frames, frame by frame, from ``rays_2d.march``.
        n_frames: T.
        n_rays: of one frame.

    One pass over images and rays: an image is copied, with a border, into memory that stays in a core's
    cache, by rows or columns as its rays march, and is done with before the next. An image belongs to one
    thread, so that neither direction needs a lock, and results do not depend on the number of threads.
    """

    def __init__(self, marched: tuple[MarchedRays, MarchedRays], n_frames: int, n_rays: int) -> None:
        by_rows, by_columns = marched
        self.shape, self.n_frames, self.n_rays = (by_rows.n_lines, by_rows.width), n_frames, n_rays
        index = np.concatenate([rays.index for rays in marched])
        across = np.repeat([0, 1], [len(by_rows.index), len(by_columns.index)])
        run = 2 * (index // n_rays) + across  # frame by frame, in it the rays by rows before those by columns
        order = np.lexsort((index, run))
        self.edges = np.searchsorted(run[order], np.arange(2 * n_frames + 1))
        self.place = (index % n_rays).astype(np.int32)[order]
        self.start, self.step, self.first, self.stop, self.weight = (
            np.concatenate(arrays)[order].astype(dtype)
            for arrays, dtype in zip(
                zip(*(rays.arrays[1:] for rays in marched), strict=True),
                (np.int64, np.int64, np.int32, np.int32, np.float64),
                strict=True,
            )
        )

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """(edges, place, start, step, first, stop, weight), as the kernels take them."""
        return self.edges, self.place, self.start, self.step, self.first, self.stop, self.weight

    @property
    def nbytes(self) -> int:
        """Bytes held, all of them numbers of the rays."""
        return sum(array.nbytes for array in self.arrays)

    @property
    def n_interpolations(self) -> int:
        """Interpolations of one forward or adjoint of all frames: lines met, summed over the rays."""
        return int((self.stop - self.first).sum())

    def forward(self, x: np.ndarray, frames: np.ndarray) -> np.ndarray:
        y = np.zeros((len(x), self.n_rays), x.dtype)
        run_chunks(partial(_forward, x, frames, *self.arrays, y), len(x), n_chunks=4 * n_threads())
        return y

    def adjoint(self, y: np.ndarray, frames: np.ndarray) -> np.ndarray:
        x = np.empty((len(y), *self.shape), y.dtype)
        run_chunks(partial(_adjoint, x, frames, *self.arrays, y), len(y), n_chunks=4 * n_threads())
        return x


@kernel
def _forward(x, frames, edges, place, start, step, first, stop, weight, y, begin, end):  # type: ignore[no-untyped-def]
    ny, nx = x.shape[1], x.shape[2]
    rows, columns = np.zeros(ny * (nx + 2), x.dtype), np.zeros(nx * (ny + 2), x.dtype)
    for item in range(begin, end):
        left, middle, right = (
            edges[2 * frames[item]],
            edges[2 * frames[item] + 1],
            edges[2 * frames[item] + 2],
        )
        if middle > left:
            for i in range(ny):
                for j in range(nx):
                    rows[i * (nx + 2) + 1 + j] = x[item, i, j]
            sum_rays(rows, nx + 2, place, start, step, first, stop, weight, y[item], left, middle)
        if right > middle:
            for tile in range(0, nx, TILE):
                for i in range(ny):
                    for j in range(tile, min(tile + TILE, nx)):
                        columns[j * (ny + 2) + 1 + i] = x[item, i, j]
            sum_rays(columns, ny + 2, place, start, step, first, stop, weight, y[item], middle, right)


@kernel
def _adjoint(x, frames, edges, place, start, step, first, stop, weight, y, begin, end):  # type: ignore[no-untyped-def]
    ny, nx = x.shape[1], x.shape[2]
    rows, columns = np.zeros(ny * (nx + 2), x.dtype), np.zeros(nx * (ny + 2), x.dtype)
    for item in range(begin, end):
        left, middle, right = (
            edges[2 * frames[item]],
            edges[2 * frames[item] + 1],
            edges[2 * frames[item] + 2],
        )
        x[item] = 0
        if middle > left:
            rows[:] = 0
            _spread_rays(rows, nx + 2, left, middle, place, start, step, first, stop, weight, y[item])
            for i in range(ny):
                for j in range(nx):
                    x[item, i, j] = rows[i * (nx + 2) + 1 + j]
        if right > middle:
            columns[:] = 0
            _spread_rays(columns, ny + 2, middle, right, place, start, step, first, stop, weight, y[item])
            for tile in range(0, nx, TILE):
                for i in range(ny):
                    for j in range(tile, min(tile + TILE, nx)):
                        x[item, i, j] += columns[j * (ny + 2) + 1 + i]


@kernel
def _spread_rays(lines, width, begin, end, place, start, step, first, stop, weight, y):  # type: ignore[no-untyped-def]
    real = lines.dtype.type
    unit, zero = real(UNIT), real(0)
    for ray in range(begin, end):
        value = y[place[ray]] * real(weight[ray])
        left, slope = pair(value, zero), pair(-unit * value, unit * value)
        line = np.int64(first[ray])
        position = start[ray] + line * step[ray] + ((line * width) << FRACTION_BITS)
        stride = step[ray] + (width << FRACTION_BITS)
        for _ in range(stop[ray] - first[ray]):
            at = position >> FRACTION_BITS
            parts = add_scaled(left, real(position & FRACTION), slope)
            store(lines, at, add(load_pair(lines, at), parts))
            position += stride
