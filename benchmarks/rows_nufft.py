"""NonCartesianSense on radial spokes against SigPy, finufft called directly, and its FFTs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import finufft
import numpy as np
import sigpy
import torch
from torch import Tensor

from benchmarks.machine_limits import fft_limit, line_fft_limit
from benchmarks.operator_row import Contenders, Limit, Row, compared, set_up
from benchmarks.sense_problem import sense_problem
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.toeplitz import fft_size
from proxflow.operators.trajectories import radial_trajectory

SIZES = {"small": [(160, 32), (320, 64)], "all": [(160, 32), (320, 64), (640, 128)]}  # n, spokes
N_COILS = 8
SIGPY_SETTINGS = {  # oversampling and kernel width: the default, and one about as accurate as ours
    "sigpy, os 1.25 w 4 (default)": (1.25, 4),
    "sigpy, os 2 w 6 (our error)": (2.0, 6),
}
TOEPLITZ_TRANSFORMS = 12  # of all lines of the box of the maps, per coil
OVERSAMPLING = 1.25  # of the NUFFT's one FFT per coil


class RadialProblem(NamedTuple):
    """Golden-angle spokes with twice the samples of the matrix; coils of ``sense_problem``."""

    size: str
    trajectory: Tensor  # (sample, 2), cycles per field of view
    coil_maps: Tensor  # complex64 (coil, n, n)
    x: Tensor  # complex64 (n, n)
    y: Tensor  # complex64 (coil, sample)


def rows(sizes: str) -> Iterator[Row]:
    """Every action of every implementation for the named sizes ("small" or "all")."""
    warm_up = radial_problem(2, 16, 4)
    NonCartesianSense(warm_up.trajectory, warm_up.coil_maps).normal(warm_up.x)
    for n, n_spokes in SIZES[sizes]:
        yield from _rows_of(radial_problem(N_COILS, n, n_spokes))


def radial_problem(n_coils: int, n: int, n_spokes: int) -> RadialProblem:
    """A phantom, and Gaussian samples for the adjoint; the maps are zero outside the object, as ESPIRiT's."""
    image, _, maps = sense_problem(n_coils, n)
    maps = maps * (image != 0)
    k = radial_trajectory(n_spokes, 2 * n, n).reshape(-1, 2)
    rng = torch.Generator().manual_seed(2)
    y = torch.randn(n_coils, len(k), generator=rng, dtype=torch.complex64)
    return RadialProblem(f"{n_coils} coils, {n} x {n}, {n_spokes} x {2 * n} samples", k, maps, image, y)


def radial_truth(problem: RadialProblem) -> dict[str, Tensor]:
    """The three actions in double precision, to 1e-12."""
    A = NonCartesianSense(problem.trajectory, problem.coil_maps.to(torch.complex128))
    x, y = problem.x.to(torch.complex128), problem.y.to(torch.complex128)
    return {"forward": A(x), "adjoint": A.adjoint(y), "normal": A.adjoint(A(x))}


def _rows_of(problem: RadialProblem) -> Iterator[Row]:
    made: dict[str, NonCartesianSense] = {}

    def first_forward() -> None:
        made["A"] = NonCartesianSense(problem.trajectory, problem.coil_maps)
        made["A"](problem.x)

    row = Row("NonCartesianSense", problem.size, "", "", work=problem.y.numel() + problem.coil_maps.numel())
    yield set_up(row, "proxflow, first forward", first_forward)
    A = made["A"]
    yield set_up(row, "proxflow, first normal", lambda: A.normal(problem.x))
    truth = radial_truth(problem)
    for action, contenders in _contenders(problem, A).items():
        limit = _limit(A, action)
        found = replace(row, action=action)
        yield from compared(found, contenders, truths=truth[action], limits={"proxflow": limit})


def _contenders(problem: RadialProblem, A: NonCartesianSense) -> dict[str, Contenders]:
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


def _sigpy_sense(problem: RadialProblem, oversampling: float, width: int) -> sigpy.linop.Linop:
    maps = problem.coil_maps.numpy()
    multiply = sigpy.linop.Multiply(maps.shape[1:], maps)
    coordinates = problem.trajectory.numpy().astype(np.float32)
    return sigpy.linop.NUFFT(maps.shape, coordinates, oversamp=oversampling, width=width) * multiply


def _finufft_alone(problem: RadialProblem):  # type: ignore[no-untyped-def]
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


def _limit(A: NonCartesianSense, action: str) -> Limit:
    """The transforms alone, of the box that the maps fill or of the NUFFT's fine grid."""
    inside = A.support.nonzero()
    box = (inside.max(0).values - inside.min(0).values + 1).tolist()
    n_coils = len(A.coil_maps)
    if action == "normal":
        return line_fft_limit(TOEPLITZ_TRANSFORMS, n_coils, (fft_size(box[0]), fft_size(box[1])))
    ny, nx = (fft_size(int(OVERSAMPLING * size)) for size in box)
    return fft_limit(1, n_coils, (ny, nx), "per coil")
