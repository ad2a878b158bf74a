"""Joseph's line integrals as a sparse matrix held in memory, multiplied in threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from proxflow.operators.joseph_2d import FRACTION, UNIT, interleave, tiles
from proxflow.operators.kernel import kernel
from proxflow.operators.rays_2d import FRACTION_BITS, MarchedRays
from proxflow.operators.simd import LANES, add_scaled, load_lanes, scaled, store
from proxflow.operators.threads import n_threads, run_chunks

MatrixArrays = Mapping[str, np.ndarray]
MatrixCache = Callable[[str, Callable[[], MatrixArrays]], MatrixArrays]

ordered_kernel: Any = njit(nogil=True, cache=True, fastmath={"contract"})  # free order: slow vector gathers


def matrix_bytes(n_nonzeros: int, n_rays: int = 0) -> int:
    """Memory of a matrix: 4 bytes of value and 4 of column each, 8 per row."""
    return 8 * n_nonzeros + 8 * (n_rays + 1)


def ray_matrix(marched: tuple[MarchedRays, MarchedRays], n_rays: int) -> dict[str, np.ndarray]:
    """``march``'s rays as CSR: ``indptr`` int64 (n_rays + 1,), ``indices`` int32, ``data`` float32.

    Rows are rays, angle by angle; columns are pixels, row by row; the entries of a row come in the order in
    which the ray meets them. Two entries per line met, one where a partner lies outside the image.
    Raises ValueError if the image has more pixels than int32 counts.
    """
    by_rows, by_columns = marched
    ny, nx = by_rows.n_lines, by_rows.width
    if ny * nx >= 2**31:
        raise ValueError(f"shape must have fewer than 2^31 pixels for a matrix, got {(ny, nx)}")
    indptr = np.zeros(n_rays + 1, np.int64)
    for rays in marched:
        run_chunks(partial(_count, *rays.arrays, rays.width, indptr), len(rays.index))
    np.cumsum(indptr, out=indptr)
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    for rays, line_stride, pixel_stride in ((by_rows, nx, 1), (by_columns, 1, nx)):
        layout = rays.width, line_stride, pixel_stride
        run_chunks(partial(_fill, *rays.arrays, *layout, indptr, indices, data), len(rays.index))
    return {"indptr": indptr, "indices": indices, "data": data}


class SparseProjector:
    """The same integrals as ``JosephRays`` by a matrix product: x (slice, ny, nx), y (slice, n_rays).

    The weights are float32, also for float64 images, whose sums are float64. Forward runs over the rows.
    The adjoint runs over the rows too: each thread adds to an image of its own, and these are summed in
    order, which spares a second, transposed matrix. The transpose is exact; its rounding depends on the
    number of threads. Raises ValueError if the arrays are not those of a matrix of ``n_rays`` rows.
    """

    def __init__(self, arrays: MatrixArrays, shape: tuple[int, int], n_rays: int) -> None:
        self.indptr, self.indices, self.data = (arrays[name] for name in ("indptr", "indices", "data"))
        self.shape, self.n_rays = shape, n_rays
        sizes = len(self.indptr), len(self.indices), len(self.data)
        expected = n_rays + 1, *2 * (int(self.indptr[-1]),)
        if sizes != expected:
            raise ValueError(f"indptr, indices and data must have lengths {expected}, got {sizes}")

    def forward(self, x: np.ndarray) -> np.ndarray:
        y = np.empty((len(x), self.n_rays), x.dtype)
        for slices in tiles(len(x)):
            lanes = interleave(x[slices])
            product = np.zeros((self.n_rays, lanes.shape[-1]), x.dtype)
            compute = _product if lanes.shape[-1] == 1 else _product_lanes
            arrays = self.indptr, self.indices, self.data, lanes.reshape(-1), product.reshape(-1)
            run_chunks(partial(compute, *arrays), self.n_rays, n_chunks=4 * n_threads())
            y[slices] = product.T[: len(y[slices])]
        return y

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        x = np.empty((len(y), *self.shape), y.dtype)
        for slices in tiles(len(y)):
            image = self._adjoint(interleave(y[slices]))
            x[slices] = image.T.reshape(-1, *self.shape)[: len(x[slices])]
        return x

    def _adjoint(self, y: np.ndarray) -> np.ndarray:
        """y (n_rays, lane) -> x (pixel, lane)."""
        parts = n_threads()
        bounds = np.searchsorted(self.indptr, np.linspace(0, self.indptr[-1], parts + 1))  # equal work
        bounds[-1] = self.n_rays
        images = np.zeros((parts, self.shape[0] * self.shape[1], y.shape[-1]), y.dtype)
        compute: Any = _transposed if y.shape[-1] == 1 else _transposed_lanes

        def work(begin: int, end: int) -> None:
            for part in range(begin, end):
                rows = bounds[part], bounds[part + 1]
                compute(self.indptr, self.indices, self.data, y.reshape(-1), images[part].reshape(-1), *rows)

        run_chunks(work, parts)
        for image in images[1:]:
            images[0] += image
        return images[0]


@kernel
def _count(index, start, step, first, stop, weight, width, indptr, begin, end):  # type: ignore[no-untyped-def]
    for ray in range(begin, end):
        entries = 0
        for line in range(first[ray], stop[ray]):
            at = (start[ray] + line * step[ray]) >> FRACTION_BITS
            entries += (at >= 1) + (at < width)
        indptr[index[ray] + 1] = entries


@kernel
def _fill(  # type: ignore[no-untyped-def]
    index,
    start,
    step,
    first,
    stop,
    weight,
    width,
    line_stride,
    pixel_stride,
    indptr,
    indices,
    data,
    begin,
    end,
):
    for ray in range(begin, end):
        entry = indptr[index[ray]]
        for line in range(first[ray], stop[ray]):
            position = start[ray] + line * step[ray]
            at = position >> FRACTION_BITS
            fraction = (position & FRACTION) * UNIT
            pixel = line * line_stride + (at - 1) * pixel_stride
            if at >= 1:
                indices[entry], data[entry] = pixel, weight[ray] * (1 - fraction)
                entry += 1
            if at < width:
                indices[entry], data[entry] = pixel + pixel_stride, weight[ray] * fraction
                entry += 1


@ordered_kernel
def _product(indptr, indices, data, x, y, begin, end):  # type: ignore[no-untyped-def]
    for row in range(begin, end):
        even = odd = x.dtype.type(0)  # two sums: an addition need not wait for the one before
        entry = indptr[row]
        for _ in range((indptr[row + 1] - entry) >> 1):
            even += data[entry] * x[np.uint32(indices[entry])]
            odd += data[entry + 1] * x[np.uint32(indices[entry + 1])]
            entry += 2
        if entry < indptr[row + 1]:
            even += data[entry] * x[np.uint32(indices[entry])]
        y[row] = even + odd


@kernel
def _product_lanes(indptr, indices, data, x, y, begin, end):  # type: ignore[no-untyped-def]
    real = x.dtype.type
    for row in range(begin, end):
        total = scaled(real(0), load_lanes(y, row * LANES))
        for entry in range(indptr[row], indptr[row + 1]):
            total = add_scaled(total, real(data[entry]), load_lanes(x, indices[entry] * LANES))
        store(y, row * LANES, total)


@kernel
def _transposed(indptr, indices, data, y, x, begin, end):  # type: ignore[no-untyped-def]
    for row in range(begin, end):
        value = y[row]
        for entry in range(indptr[row], indptr[row + 1]):
            x[np.uint32(indices[entry])] += data[entry] * value  # unsigned: no test for negative indices


@kernel
def _transposed_lanes(indptr, indices, data, y, x, begin, end):  # type: ignore[no-untyped-def]
    real = x.dtype.type
    for row in range(begin, end):
        values = load_lanes(y, row * LANES)
        for entry in range(indptr[row], indptr[row + 1]):
            at = indices[entry] * LANES
            store(x, at, add_scaled(load_lanes(x, at), real(data[entry]), values))
