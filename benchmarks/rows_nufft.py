"""NonCartesianSense against SigPy, finufft called directly, and its FFTs.

python -m benchmarks.rows_nufft [small|all]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import finufft
import numpy as np
import sigpy
import torch
from scipy.fft import next_fast_len
from torch import Tensor

from benchmarks.operator_row import Contenders, Row, measure, peak_bytes, relative_error, seconds_of
from benchmarks.sense_problem import sense_problem
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.trajectories import radial_trajectory

SIZES = {"small": [(8, 160, 32)], "all": [(8, 160, 32), (8, 320, 64), (12, 512, 128)]}
SIGPY_SETTINGS = {  # oversampling and kernel width: the default, and one about as accurate as ours
    "sigpy, os 1.25 w 4": (1.25, 4),
    "sigpy, os 2 w 6": (2.0, 6),
}
OPERATOR = "NonCartesianSense"


class Problem(NamedTuple):
    """Golden-angle spokes with twice the samples of the matrix; coils of ``sense_problem``."""

    size: str
    trajectory: Tensor  # (sample, 2), cycles per field of view
    coil_maps: Tensor  # complex64 (coil, n, n)
    x: Tensor  # complex64 (n, n)
    y: Tensor  # complex64 (coil, sample)


def rows(sizes: str = "all") -> Iterator[Row]:
    """Every action of every implementation for the named sizes ("small" or "all")."""
    warm_up = make_problem(2, 16, 4)
    NonCartesianSense(warm_up.trajectory, warm_up.coil_maps).normal(warm_up.x)
    for n_coils, n, n_spokes in SIZES[sizes]:
        yield from _rows_of(make_problem(n_coils, n, n_spokes), repeats=25 if n < 500 else 5)


def make_problem(n_coils: int, n: int, n_spokes: int) -> Problem:
    """A phantom, and Gaussian samples for the adjoint; the maps are zero outside the object, as ESPIRiT's."""
    image, _, maps = sense_problem(n_coils, n)
    maps = maps * (image != 0)
    k = radial_trajectory(n_spokes, 2 * n, n).reshape(-1, 2)
    rng = torch.Generator().manual_seed(2)
    y = torch.randn(n_coils, len(k), generator=rng, dtype=torch.complex64)
    return Problem(f"{n_coils} coils, {n} x {n}, {n_spokes} x {2 * n} samples", k, maps, image, y)


def _rows_of(problem: Problem, repeats: int) -> Iterator[Row]:
    with torch.no_grad():
        made: dict[str, NonCartesianSense] = {}

        def set_up() -> None:
            made["A"] = NonCartesianSense(problem.trajectory, problem.coil_maps)
            made["A"](problem.x)

        took = seconds_of(set_up)
        A = made["A"]
        yield Row(OPERATOR, problem.size, "set-up", "proxflow, first forward", took)
        toeplitz = seconds_of(lambda: A.normal(problem.x))
        yield Row(OPERATOR, problem.size, "set-up", "proxflow, first normal", toeplitz)
        truth = _truth(problem)
        for action, contenders in _contenders(problem, A).items():
            peaks = {name: peak_bytes(call) for name, call in contenders.items()}
            errors = {name: relative_error(call(), truth[action]) for name, call in contenders.items()}
            limit, limit_text = _fft_limit(A, *((8, 1.0) if action == "normal" else (1, 1.25)))
            seconds = measure({**contenders, "limit": limit}, repeats)
            for name in contenders:
                figures = seconds[name], errors[name], peaks[name], seconds["limit"]
                yield Row(OPERATOR, problem.size, action, name, *figures, limit_text)


def _truth(problem: Problem) -> dict[str, Tensor]:
    """The three actions in double precision, to 1e-12."""
    A = NonCartesianSense(problem.trajectory, problem.coil_maps.to(torch.complex128))
    x, y = problem.x.to(torch.complex128), problem.y.to(torch.complex128)
    return {"forward": A(x), "adjoint": A.adjoint(y), "normal": A.adjoint(A(x))}


def _contenders(problem: Problem, A: NonCartesianSense) -> dict[str, Contenders]:
    x, y = problem.x, problem.y
    forward: Contenders = {"proxflow": lambda: A.forward(x)}
    adjoint: Contenders = {"proxflow": lambda: A.adjoint(y)}
    normal: Contenders = {
        "proxflow": lambda: A.normal(x),
        "proxflow, forward then adjoint": lambda: A.adjoint(A.forward(x)),
    }
    x_array, y_array = x.numpy(), y.numpy()
    for name, setting in SIGPY_SETTINGS.items():
        S = _sigpy_sense(problem, *setting)
        forward[name] = lambda S=S: S * x_array  # type: ignore[misc]
        adjoint[name] = lambda S=S: S.H * y_array  # type: ignore[misc]
        normal[name] = lambda S=S: S.N * x_array  # type: ignore[misc]
    forward["finufft alone, 1 thread"], adjoint["finufft alone, 1 thread"] = _finufft_alone(problem)
    return {"forward": forward, "adjoint": adjoint, "normal": normal}


def _sigpy_sense(problem: Problem, oversampling: float, width: int) -> sigpy.linop.Linop:
    maps = problem.coil_maps.numpy()
    multiply = sigpy.linop.Multiply(maps.shape[1:], maps)
    coordinates = problem.trajectory.numpy().astype(np.float32)
    return sigpy.linop.NUFFT(maps.shape, coordinates, oversamp=oversampling, width=width) * multiply


def _finufft_alone(problem: Problem):  # type: ignore[no-untyped-def]
    """All coils in one plan, with our tolerance, and the coil maps by NumPy."""
    maps, x, y = problem.coil_maps.numpy(), problem.x.numpy(), problem.y.numpy()
    n_coils, n = maps.shape[:2]
    plan = finufft.Plan(2, (n, n), n_coils, eps=3e-5, isign=-1, dtype="complex64", nthreads=1, upsampfac=1.25)
    ky, kx = np.ascontiguousarray((problem.trajectory.T * (2 * np.pi / n)).numpy(), np.float32)
    plan.setpts(ky, kx)
    scale = np.float32(1 / n)
    return (
        lambda: plan.execute(maps * x) * scale,
        lambda: (maps.conj() * plan.execute_adjoint(y)).sum(0) * scale,
    )


def _fft_limit(A: NonCartesianSense, per_coil: int, oversampling: float):  # type: ignore[no-untyped-def]
    """The transforms alone, two coils at a time: of the box that the maps fill, or of its fine grid."""
    inside = A.support.nonzero()
    box = inside.max(0).values - inside.min(0).values + 1
    ny, nx = (next_fast_len(int(oversampling * size)) for size in box)
    grids = torch.zeros(len(A.coil_maps), ny, nx, dtype=torch.complex64).split(2)

    def limit() -> None:
        for grid in grids:
            for _ in range(per_coil):
                torch.fft.fft2(grid)

    return limit, f"{per_coil} FFT of {ny} x {nx} per coil"


def main() -> None:
    for row in rows(*sys.argv[1:2]):
        error = f"{row.error:9.1e}" if row.error is not None else 9 * " "
        peak = f"{row.bytes / 2**20:7.1f} MiB" if row.bytes is not None else 11 * " "
        limit = f"{1e3 * row.limit_seconds:8.2f} ms {row.limit_text}" if row.limit_seconds else ""
        print(
            f"{row.size:40s}{row.action:9s}{row.implementation:32s}"
            f"{1e3 * row.seconds:9.2f} ms{error}{peak}{limit}",
            flush=True,
        )


if __name__ == "__main__":
    main()
