"""Joseph's line integrals on the fly, on the CPU: forward and its exact transpose."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from proxflow.operators.kernel import kernel
from proxflow.operators.rays_2d import FRACTION_BITS, MarchedRays
from proxflow.operators.simd import (
    LANES,
    add,
    add_scaled,
    load_lanes,
    load_pair,
    multiply,
    pair,
    pair_sum,
    scaled,
    store,
)
from proxflow.operators.threads import n_threads, run_chunks

FRACTION = (1 << FRACTION_BITS) - 1
UNIT = 2.0**-FRACTION_BITS
BLOCK_BYTES = 1 << 18  # of the lines that the adjoint adds to at a time: a part of a core's own cache
FEWEST_LANES = 3  # from this many slices on, eight lanes are faster than one slice after the other


class JosephRays:
    """The integrals along ``march``'s rays: x (slice, ny, nx), y (slice, n_rays), one float type.

    Forward runs over the rays, the adjoint over the image's lines, both in threads that never write to
    the same place: the same result every time, whatever the number of threads. Many slices go eight at
    a time, each weight computed once for all eight. Needs three copies of eight images and no more.
    """

    def __init__(self, marched: tuple[MarchedRays, MarchedRays], n_rays: int) -> None:
        self.by_rows, self.by_columns = marched
        self.n_rays = n_rays

    def forward(self, x: np.ndarray) -> np.ndarray:
        y = np.empty((len(x), self.n_rays), x.dtype)
        for slices in tiles(len(x)):
            y[slices] = self._forward(interleave(x[slices])).T[: len(y[slices])]
        return y

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        x = np.empty((len(y), self.by_rows.n_lines, self.by_rows.width), y.dtype)
        for slices in tiles(len(y)):
            images = self._adjoint(interleave(y[slices]))
            x[slices] = images.transpose(2, 0, 1)[: len(x[slices])]
        return x

    def _forward(self, x: np.ndarray) -> np.ndarray:
        """x (ny, nx, lane) -> y (n_rays, lane)."""
        lanes = x.shape[-1]
        y = np.zeros((self.n_rays, lanes), x.dtype)
        compute = sum_rays if lanes == 1 else _forward_lanes
        for rays, image in ((self.by_rows, x), (self.by_columns, x.swapaxes(0, 1))):
            lines = np.zeros((rays.n_lines, rays.width + 2, lanes), x.dtype)
            lines[:, 1:-1] = image
            arguments = (lines.reshape(-1), rays.width + 2, *rays.arrays, y.reshape(-1))
            run_chunks(partial(compute, *arguments), len(rays.index), n_chunks=4 * n_threads())
        return y

    def _adjoint(self, y: np.ndarray) -> np.ndarray:
        """y (n_rays, lane) -> x (ny, nx, lane)."""
        lanes = y.shape[-1]
        compute = _adjoint_one if lanes == 1 else _adjoint_lanes
        images = []
        for rays in (self.by_rows, self.by_columns):
            lines = np.zeros((rays.n_lines, rays.width + 2, lanes), y.dtype)
            block = max(8, BLOCK_BYTES // lines[0].nbytes)
            arguments = (lines.reshape(-1), rays.width + 2, *rays.arrays, y.reshape(-1), block)
            run_chunks(partial(compute, *arguments), rays.n_lines, n_chunks=2 * n_threads())
            images.append(lines[:, 1:-1])
        return images[0] + images[1].swapaxes(0, 1)


def tiles(n_slices: int) -> Iterator[slice]:
    """The slices that go together: eight, or one where few are left."""
    begin = 0
    while begin < n_slices:
        size = LANES if n_slices - begin >= FEWEST_LANES else 1
        yield slice(begin, min(begin + size, n_slices))
        begin += size


def interleave(arrays: np.ndarray) -> np.ndarray:
    """(slice, ...) -> (..., lane), contiguous; one lane for one slice, else eight, the rest zero."""
    if len(arrays) == 1:
        return arrays[0][..., None]
    lanes = np.zeros((*arrays.shape[1:], LANES), arrays.dtype)
    flat, source = lanes.reshape(-1, LANES), arrays.reshape(len(arrays), -1)

    def copy(begin: int, end: int) -> None:
        flat[begin:end, : len(source)] = source[:, begin:end].T

    run_chunks(copy, len(flat))
    return lanes


@kernel
def sum_rays(lines, width, index, start, step, first, stop, weight, y, begin, end):  # type: ignore[no-untyped-def]
    real = lines.dtype.type
    unit, one, zero = real(UNIT), real(1), real(0)
    left, slope = pair(one, zero), pair(-unit, unit)  # left + fraction * slope = (1 - f, f)
    for ray in range(begin, end):
        line = np.int64(first[ray])
        position = start[ray] + line * step[ray] + ((line * width) << FRACTION_BITS)
        stride = step[ray] + (width << FRACTION_BITS)
        n = stop[ray] - first[ray]
        even = pair(zero, zero)
        odd = even  # two sums: an addition need not wait for the one before
        for _ in range(n >> 1):
            weights = add_scaled(left, real(position & FRACTION), slope)
            even = add(even, multiply(weights, load_pair(lines, position >> FRACTION_BITS)))
            position += stride
            weights = add_scaled(left, real(position & FRACTION), slope)
            odd = add(odd, multiply(weights, load_pair(lines, position >> FRACTION_BITS)))
            position += stride
        if n & 1:
            weights = add_scaled(left, real(position & FRACTION), slope)
            even = add(even, multiply(weights, load_pair(lines, position >> FRACTION_BITS)))
        y[index[ray]] = pair_sum(add(even, odd)) * real(weight[ray])


@kernel
def _adjoint_one(lines, width, index, start, step, first, stop, weight, y, block, begin, end):  # type: ignore[no-untyped-def]
    real = lines.dtype.type
    unit, zero = real(UNIT), real(0)
    for block_begin in range(begin, end, block):
        block_end = min(block_begin + block, end)
        for ray in range(len(index)):
            line, last = max(block_begin, first[ray]), min(block_end, stop[ray])
            if line >= last:
                continue
            value = y[index[ray]] * real(weight[ray])
            left, slope = pair(value, zero), pair(-unit * value, unit * value)
            position = start[ray] + line * step[ray] + ((line * width) << FRACTION_BITS)
            stride = step[ray] + (width << FRACTION_BITS)
            for _ in range(last - line):
                at = position >> FRACTION_BITS
                parts = add_scaled(left, real(position & FRACTION), slope)
                store(lines, at, add(load_pair(lines, at), parts))
                position += stride


@kernel
def _forward_lanes(lines, width, index, start, step, first, stop, weight, y, begin, end):  # type: ignore[no-untyped-def]
    real = lines.dtype.type
    unit, one, zero = real(UNIT), real(1), real(0)
    for ray in range(begin, end):
        position = start[ray] + first[ray] * step[ray] + ((first[ray] * width) << FRACTION_BITS)
        stride = step[ray] + (width << FRACTION_BITS)
        left = scaled(zero, load_lanes(y, index[ray] * LANES))
        right = left
        for _ in range(stop[ray] - first[ray]):
            at = (position >> FRACTION_BITS) * LANES
            fraction = real(position & FRACTION) * unit
            left = add_scaled(left, one - fraction, load_lanes(lines, at))
            right = add_scaled(right, fraction, load_lanes(lines, at + LANES))
            position += stride
        store(y, index[ray] * LANES, scaled(real(weight[ray]), add(left, right)))


@kernel
def _adjoint_lanes(lines, width, index, start, step, first, stop, weight, y, block, begin, end):  # type: ignore[no-untyped-def]
    real = lines.dtype.type
    unit, one = real(UNIT), real(1)
    for block_begin in range(begin, end, block):
        block_end = min(block_begin + block, end)
        for ray in range(len(index)):
            line, last = max(block_begin, first[ray]), min(block_end, stop[ray])
            if line >= last:
                continue
            values = scaled(real(weight[ray]), load_lanes(y, index[ray] * LANES))
            position = start[ray] + line * step[ray] + ((line * width) << FRACTION_BITS)
            stride = step[ray] + (width << FRACTION_BITS)
            for _ in range(last - line):
                at = (position >> FRACTION_BITS) * LANES
                fraction = real(position & FRACTION) * unit
                store(lines, at, add_scaled(load_lanes(lines, at), one - fraction, values))
                store(lines, at + LANES, add_scaled(load_lanes(lines, at + LANES), fraction, values))
                position += stride
