"""NearFieldMimo against the dense matrix in both layouts, and the machine's rate of matrix products.

Memory is what an implementation holds after its set-up: factors or matrix.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.machine_limits import complex_products_limit
from benchmarks.operator_row import Contenders, Row, compared, set_up
from proxflow.operators.mills_cross import mills_cross
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.voxel_grid import VoxelGrid

SIZES = {"small": [5, 20], "all": [5, 20, 40]}  # frequencies; 12 x 13 antennas, 25 x 25 x 49 voxels
OPERATOR = "NearFieldMimo"
ROWS = 156  # of the dense matrix made at a time
LOW_MEMORY_BYTES = 32 << 20
OURS, LOW_MEMORY = "proxflow", "proxflow, factors made anew"
DENSE, DENSE_TRANSPOSED = "torch, A @ x", "torch, A held transposed"


class RadarProblem(NamedTuple):
    """The simulated array of Oral & Oktem (2024)."""

    size: str
    transmitters_m: Tensor
    receivers_m: Tensor
    frequencies_hz: Tensor
    grid: VoxelGrid
    x: Tensor  # complex64 (z, y, x)
    y: Tensor  # complex64 (frequency, transmitter, receiver)


def rows(sizes: str) -> Iterator[Row]:
    """Every action of every implementation for the named sizes ("small" or "all")."""
    for n_frequencies in SIZES[sizes]:
        yield from _rows_of(radar_problem(n_frequencies))


def radar_problem(n_frequencies: int) -> RadarProblem:
    """Gaussian reflectivities and samples."""
    array, rng = mills_cross(n_frequencies), torch.Generator().manual_seed(3)
    return RadarProblem(
        f"{n_frequencies} frequencies, 12 x 13 antennas, 49 x 25 x 25",
        array.transmitters_m,
        array.receivers_m,
        array.frequencies_hz,
        array.grid,
        torch.randn(array.domain_shape, dtype=torch.complex64, generator=rng),
        torch.randn(n_frequencies, 12, 13, dtype=torch.complex64, generator=rng),
    )


def dense_matrix(
    problem: RadarProblem, *, transposed: bool = False, dtype: torch.dtype = torch.complex64
) -> Tensor:
    """A, (measurement, voxel), or its transpose; phases in float64, a frequency at a time."""
    points = problem.grid.positions()
    d_t, d_r = (torch.cdist(antennas, points) for antennas in (problem.transmitters_m, problem.receivers_m))
    path, gain = d_t[:, None] + d_r, 1 / (4 * math.pi * d_t[:, None] * d_r)
    shape = len(problem.frequencies_hz) * ROWS, len(points)
    matrix = torch.empty(shape[::-1] if transposed else shape, dtype=dtype)
    target = matrix.T if transposed else matrix
    for i, frequency in enumerate(problem.frequencies_hz.tolist()):
        phase = -2 * math.pi * frequency / 299_792_458 * path
        target[i * ROWS : (i + 1) * ROWS] = torch.polar(gain, phase).flatten(0, 1)
    return matrix


def _rows_of(problem: RadarProblem) -> Iterator[Row]:
    kept, low = near_field_mimo(problem), near_field_mimo(problem, LOW_MEMORY_BYTES)
    held: dict[str, Tensor] = {}
    set_ups = {
        OURS: lambda: kept.forward(problem.x),
        LOW_MEMORY: lambda: low.forward(problem.x),
        DENSE: lambda: held.update(rows=dense_matrix(problem)),
        DENSE_TRANSPOSED: lambda: held.update(columns=dense_matrix(problem, transposed=True)),
    }
    n_products = problem.y.numel() * problem.grid.n_voxels
    row = Row(OPERATOR, problem.size, "", "", work=n_products)
    memory = {}
    for name, call in set_ups.items():
        found = set_up(row, name, call)
        memory[name] = found.bytes
        yield found
    truth = radar_truth(problem)
    for action, contenders in _contenders(problem, kept, low, held).items():
        limit = complex_products_limit(n_products * (2 if action == "normal" else 1))
        limits = {OURS: limit, LOW_MEMORY: limit}
        found = replace(row, action=action)
        yield from compared(found, contenders, truths=truth[action], limits=limits, memory=memory)


def near_field_mimo(problem: RadarProblem, memory_bytes: int | None = None) -> NearFieldMimo:
    """The operator under test, with so much memory for its factors."""
    arrays = problem.transmitters_m, problem.receivers_m, problem.frequencies_hz
    return NearFieldMimo(*arrays, problem.grid, memory_bytes=memory_bytes)


def radar_truth(problem: RadarProblem) -> dict[str, Tensor]:
    """The three actions in double precision."""
    operator = near_field_mimo(problem, LOW_MEMORY_BYTES)
    x, y = problem.x.to(torch.complex128), problem.y.to(torch.complex128)
    return {
        "forward": operator.forward(x),
        "adjoint": operator.adjoint(y).resolve_conj(),
        "normal": operator.normal(x),
    }


def _contenders(
    problem: RadarProblem, kept: NearFieldMimo, low: NearFieldMimo, held: dict[str, Tensor]
) -> dict[str, Contenders]:
    x, y, by_rows, by_columns = problem.x, problem.y, held["rows"], held["columns"]
    flat_x, flat_y = x.flatten(), y.flatten()

    def forward() -> Tensor:
        return by_rows @ flat_x

    def adjoint(samples: Tensor) -> Tensor:
        return (samples.conj().resolve_conj() @ by_rows).conj().resolve_conj()  # A^H y would conjugate A

    def forward_transposed() -> Tensor:
        return flat_x @ by_columns

    def adjoint_transposed(samples: Tensor) -> Tensor:
        return (by_columns @ samples.conj().resolve_conj()).conj().resolve_conj()

    return {
        "forward": {
            OURS: lambda: kept.forward(x),
            LOW_MEMORY: lambda: low.forward(x),
            DENSE: lambda: forward().view(y.shape),
            DENSE_TRANSPOSED: lambda: forward_transposed().view(y.shape),
        },
        "adjoint": {
            OURS: lambda: kept.adjoint(y),
            LOW_MEMORY: lambda: low.adjoint(y),
            DENSE: lambda: adjoint(flat_y).view(x.shape),
            DENSE_TRANSPOSED: lambda: adjoint_transposed(flat_y).view(x.shape),
        },
        "normal": {
            OURS: lambda: kept.normal(x),
            LOW_MEMORY: lambda: low.normal(x),
            DENSE: lambda: adjoint(forward()).view(x.shape),
            DENSE_TRANSPOSED: lambda: adjoint_transposed(forward_transposed()).view(x.shape),
        },
    }
