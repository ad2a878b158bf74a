"""The operators on a CUDA device, against its measured memory bandwidth.

The limit of an action is its input, its output and the constants that the operator holds, moved once at
the rate of a copy. Errors are against the CPU's double precision.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache

import torch
from torch import Tensor

from benchmarks.operator_row import Row, relative_error
from benchmarks.rows_cartesian import N_COILS
from benchmarks.rows_cartesian import SIZES as CARTESIAN_SIZES
from benchmarks.rows_cone import SIZES as CONE_SIZES
from benchmarks.rows_cone import ball, cone_beam, cone_size
from benchmarks.rows_nufft import SIZES as RADIAL_SIZES
from benchmarks.rows_nufft import radial_problem
from benchmarks.rows_radar import SIZES as RADAR_SIZES
from benchmarks.rows_radar import near_field_mimo, radar_problem
from benchmarks.rows_tomography import FAN_DIVISORS, N_SLICES
from benchmarks.rows_tomography import SIZES as PARALLEL_SIZES
from benchmarks.sense_problem import sense_problem
from benchmarks.tomography_problem import fan_problem, parallel_problem
from proxflow.operators.base import LinearOperator
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.non_cartesian_sense import NonCartesianSense

REPEATS = 20
SECONDS_EACH = 1.0
COPIED = 1 << 30  # bytes
Case = tuple[LinearOperator, str, Tensor, int]  # operator, size, x, bytes of what it holds


def rows(group: str, sizes: str, device: torch.device) -> Iterator[Row]:
    """forward, adjoint and normal of ours for one group of operators on ``device``."""
    for operator, size, x, held in CASES[group](sizes):
        yield from _rows_of(operator, size, x, held, device)


def _cartesian(sizes: str) -> Iterator[Case]:
    for n in CARTESIAN_SIZES[sizes]:
        problem = sense_problem(N_COILS, n)
        size = f"{N_COILS} coils, {n} x {n}, mask of points"
        yield CartesianSense(problem.mask, problem.coil_maps), size, problem.x, problem.coil_maps.nbytes


def _radial(sizes: str) -> Iterator[Case]:
    for n, n_spokes in RADIAL_SIZES[sizes]:
        problem = radial_problem(N_COILS, n, n_spokes)
        A = NonCartesianSense(problem.trajectory, problem.coil_maps)
        yield A, problem.size, problem.x, problem.coil_maps.nbytes


def _tomography(sizes: str) -> Iterator[Case]:
    problems = [parallel_problem(n, n_angles, N_SLICES) for n, n_angles in PARALLEL_SIZES[sizes]]
    for problem in problems + [fan_problem(divisor) for divisor in FAN_DIVISORS[sizes]]:
        yield problem.make(), problem.size, problem.x, 0


def _cone(sizes: str) -> Iterator[Case]:
    for numbers in CONE_SIZES[sizes]:
        yield cone_beam(*numbers), cone_size(*numbers), ball(numbers[0]), 0


def _radar(sizes: str) -> Iterator[Case]:
    for n_frequencies in RADAR_SIZES[sizes]:
        problem = radar_problem(n_frequencies)
        n_antennas = len(problem.transmitters_m) + len(problem.receivers_m)
        factors = 8 * n_frequencies * n_antennas * problem.grid.n_voxels
        yield near_field_mimo(problem), problem.size, problem.x, factors


CASES: dict[str, Callable[[str], Iterator[Case]]] = {
    "mri": _cartesian,
    "radial": _radial,
    "ct": _tomography,
    "cone": _cone,
    "radar": _radar,
}


def _rows_of(A: LinearOperator, size: str, x: Tensor, held: int, device: torch.device) -> Iterator[Row]:
    wide = torch.complex128 if x.is_complex() else torch.float64
    y = A.forward(x)
    truths = {
        "forward": A.forward(x.to(wide)),
        "adjoint": A.adjoint(y.to(wide)),
        "normal": A.adjoint(A.forward(x.to(wide))),
    }
    moved = {"forward": x.nbytes + y.nbytes, "adjoint": x.nbytes + y.nbytes, "normal": 2 * x.nbytes}
    A, x, y = A.to(device), x.to(device), y.to(device)
    calls = {"forward": lambda: A.forward(x), "adjoint": lambda: A.adjoint(y), "normal": lambda: A.normal(x)}
    for action, call in calls.items():
        error = relative_error(call().cpu(), truths[action])
        peak = _peak(call, device)
        seconds = _least_seconds(call, device)
        limit = (moved[action] + held) / _bandwidth(device)
        text = f"{(moved[action] + held) / 2**20:.1f} MiB, {100 * limit / seconds:.0f} % of the bandwidth"
        name = type(A).__name__
        yield Row(name, size, action, f"proxflow, {device.type}", seconds, error, peak, limit, text)


def _least_seconds(call: Callable[[], Tensor], device: torch.device) -> float:
    taken: list[float] = []
    while len(taken) < 3 or (len(taken) < REPEATS and sum(taken) < SECONDS_EACH):
        _wait(device)
        start = time.perf_counter()
        call()
        _wait(device)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _peak(call: Callable[[], Tensor], device: torch.device) -> int | None:
    if device.type != "cuda":
        return None
    _wait(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    _wait(device)
    return torch.cuda.max_memory_allocated(device) - before


@lru_cache
def _bandwidth(device: torch.device) -> float:
    """Bytes per second of a copy, what it reads and what it writes."""
    a = torch.zeros(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(a)
    return 2 * COPIED / _least_seconds(lambda: target.copy_(a), device)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
