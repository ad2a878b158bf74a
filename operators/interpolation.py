"""Kernels that interpolate between the points of grids, eight numbers of a row at a time."""

from __future__ import annotations

import numpy as np

from proxflow.operators.kernel import kernel
from proxflow.operators.simd import LANES, add_scaled, load_lanes, store


@kernel
def sample_grids(grids, shape, first_y, first_x, along_y, along_x, found, begin, end):  # type: ignore[no-untyped-def]
    """found[t, c, m] = sum_ab along_y[t, m, a] along_x[t, m, b] grids[t, c, first_y + a, first_x + b].

    Args:
        grids: real, the (re, im) of (grid, coil, gy, gx) one after the other; one grid is that of all frames.
        shape: (grid, coil, gy, gx).
        first_y, first_x: int32 (frame, m), at least 0 and below gy, gx, which are periods.
        along_y, along_x: real (frame, m, width), width a multiple of 4.
        found: real, the (re, im) of (frame, coil, m), written for (frame, coil) from ``begin`` to ``end``.
    """
    n_grids, n_coils, gy, gx = shape[0], shape[1], shape[2], shape[3]
    n_points, width = along_y.shape[1], along_y.shape[2]
    sums, zeros = np.empty(2 * width, grids.dtype), np.zeros(LANES, grids.dtype)
    for job in range(begin, end):
        frame, coil = job // n_coils, job % n_coils
        grid = ((frame if n_grids > 1 else 0) * n_coils + coil) * gy
        for m in range(n_points):
            top, left = first_y[frame, m], first_x[frame, m]
            if left + width <= gx:
                for lane in range(0, 2 * width, LANES):
                    total = load_lanes(zeros, 0)
                    for a in range(width):
                        row = top + a if top + a < gy else top + a - gy
                        place = ((grid + row) * gx + left) * 2 + lane
                        total = add_scaled(total, along_y[frame, m, a], load_lanes(grids, place))
                    store(sums, lane, total)
            else:
                sums[:] = 0
                for a in range(width):
                    row = top + a if top + a < gy else top + a - gy
                    for b in range(width):
                        column = left + b if left + b < gx else left + b - gx
                        place = ((grid + row) * gx + column) * 2
                        sums[2 * b] += along_y[frame, m, a] * grids[place]
                        sums[2 * b + 1] += along_y[frame, m, a] * grids[place + 1]
            real, imaginary = zeros[0], zeros[0]
            for b in range(width):
                real += along_x[frame, m, b] * sums[2 * b]
                imaginary += along_x[frame, m, b] * sums[2 * b + 1]
            found[2 * (job * n_points + m)] = real
            found[2 * (job * n_points + m) + 1] = imaginary


@kernel
def spread_on_grids(grids, shape, first_y, first_x, along_y, along_x, samples, begin, end):  # type: ignore[no-untyped-def]
    """The adjoint of ``sample_grids``: adds to grids that begin as zeros, one for each (frame, coil)."""
    n_coils, gy, gx = shape[1], shape[2], shape[3]
    n_points, width = along_y.shape[1], along_y.shape[2]
    values = np.empty(2 * width, grids.dtype)
    for job in range(begin, end):
        frame = job // n_coils
        for m in range(n_points):
            top, left = first_y[frame, m], first_x[frame, m]
            for b in range(width):
                values[2 * b] = along_x[frame, m, b] * samples[2 * (job * n_points + m)]
                values[2 * b + 1] = along_x[frame, m, b] * samples[2 * (job * n_points + m) + 1]
            if left + width <= gx:
                for a in range(width):
                    row = top + a if top + a < gy else top + a - gy
                    for lane in range(0, 2 * width, LANES):
                        place = ((job * gy + row) * gx + left) * 2 + lane
                        added = add_scaled(
                            load_lanes(grids, place), along_y[frame, m, a], load_lanes(values, lane)
                        )
                        store(grids, place, added)
            else:
                for a in range(width):
                    row = top + a if top + a < gy else top + a - gy
                    for b in range(width):
                        column = left + b if left + b < gx else left + b - gx
                        place = ((job * gy + row) * gx + column) * 2
                        grids[place] += along_y[frame, m, a] * values[2 * b]
                        grids[place + 1] += along_y[frame, m, a] * values[2 * b + 1]
