"""ParallelBeam and FanBeam against ASTRA's CPU projectors, scikit-image and deepinv, and FBP.

ASTRA has no transform of many slices in two dimensions on the CPU: its slices go one by one. Its "line"
is another discretisation than Joseph's, which ours and its "linear" share, so its adjoint has no error
here; nor have scikit-image's and deepinv's, which are scaled in their own ways. scikit-image turns about
pixel n // 2, half a pixel off the centre of even sizes, which is most of its error, and its FBP's is left
out for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, pi

import numpy as np
import torch
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, radon, resize

from benchmarks.astra_cpu import astra_fbp, astra_pair
from benchmarks.deepinv_physics import deepinv_physics
from benchmarks.machine_limits import bytes_limit, flops_limit
from benchmarks.operator_row import Contenders, Limit, Row, compared, set_up
from benchmarks.tomography_problem import TomographyProblem, fan_problem, parallel_problem
from proxflow.models.methods.fbp import fbp_image
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.sparse_projector import matrix_bytes

SIZES = {"small": [(128, 90), (256, 180)], "all": [(128, 90), (256, 180), (512, 360)]}
FAN_DIVISORS = {"small": [4, 2], "all": [4, 2, 1]}  # of the measured geometry of HTC2022
FBP_ANGLES = 180
N_SLICES = 8  # that the matrix is read once for
ANY_MEMORY = 1 << 62


def rows(sizes: str) -> Iterator[Row]:
    """Every action of every implementation for the named sizes ("small" or "all")."""
    for n_slices in (1, N_SLICES):
        for n, n_angles in SIZES[sizes]:
            yield from _rows_of(parallel_problem(n, n_angles, n_slices))
    for n, _ in SIZES[sizes]:
        yield from _fbp_rows(n)
    for divisor in FAN_DIVISORS[sizes]:
        yield from _rows_of(fan_problem(divisor))


def _rows_of(problem: TomographyProblem) -> Iterator[Row]:
    ours = {name: problem.make(backend=name, memory_bytes=ANY_MEMORY) for name in ("rays", "matrix")}
    n_interpolations = ours["rays"].transform.n_interpolations
    for A in ours.values():
        A.forward(problem.x)  # kernels compiled or loaded from disk
    row = Row(problem.operator, problem.size, "", "", work=n_interpolations * len(problem.x))
    yield set_up(row, "proxflow rays", lambda: problem.make(backend="rays").forward(problem.x))
    yield set_up(row, "proxflow matrix", lambda: problem.make(backend="matrix", memory_bytes=ANY_MEMORY))
    joseph = ours["rays"].adjoint(problem.y.double())
    forward: Contenders = {f"proxflow {name}": lambda A=A: A.forward(problem.x) for name, A in ours.items()}  # type: ignore[misc]
    adjoint: Contenders = {f"proxflow {name}": lambda A=A: A.adjoint(problem.y) for name, A in ours.items()}  # type: ignore[misc]
    truths = dict.fromkeys([*adjoint, "astra linear"], joseph)
    for model in problem.astra_models:
        forward[f"astra {model}"], adjoint[f"astra {model}"] = astra_pair(problem, model)
    if problem.operator == "ParallelBeam":
        _add_square_libraries(problem, forward, adjoint)
    limits = _limits(n_interpolations, problem)
    exact = np.broadcast_to(problem.exact, problem.y.shape)
    yield from compared(replace(row, action="forward"), forward, truths=exact, limits=limits)
    yield from compared(replace(row, action="adjoint"), adjoint, truths=truths, limits=limits)


def _limits(n_interpolations: int, problem: TomographyProblem) -> dict[str, Limit]:
    """The multiply-adds, or reading the matrix once for each ``N_SLICES``."""
    flops = 4 * n_interpolations * len(problem.x)
    size = matrix_bytes(2 * n_interpolations, problem.exact.size) * ceil(len(problem.x) / N_SLICES)
    return {
        "proxflow rays": flops_limit(flops, f"{flops / 1e9:.2f} GFLOP"),
        "proxflow matrix": bytes_limit(size, "of matrix"),
    }


def _add_square_libraries(problem: TomographyProblem, forward: Contenders, adjoint: Contenders) -> None:
    """scikit-image for one slice; deepinv, which takes several seconds and GiB for eight of 512 x 512."""
    n, n_angles = problem.x.shape[-1], problem.y.shape[1]
    degrees = np.arange(n_angles) * 180 / n_angles
    if len(problem.x) == 1:
        image, sinogram = problem.x[0].numpy(), problem.y[0].numpy().T
        forward["scikit-image"] = lambda: radon(image, degrees, circle=False).T[None]
        adjoint["scikit-image"] = lambda: iradon(
            sinogram, degrees, filter_name=None, circle=False, output_size=n
        )
    deepinv = deepinv_physics()
    if deepinv is not None and (n < 500 or len(problem.x) == 1):
        angles = torch.from_numpy(degrees).float()
        physics = deepinv.Tomography(angles, n, circle=False, normalize=False)
        x, y = problem.x[:, None], problem.y.transpose(1, 2)[:, None].contiguous()
        forward["deepinv Tomography"] = lambda: physics.A(x)[:, 0].transpose(1, 2)
        adjoint["deepinv Tomography"] = lambda: physics.A_adjoint(y)


def _fbp_rows(n: int) -> Iterator[Row]:
    """The Shepp-Logan phantom by each implementation from one sinogram; error within the field of view."""
    n_columns = ceil(np.sqrt(2) * n) | 1
    angles = np.linspace(0, pi, FBP_ANGLES, endpoint=False)
    A = ParallelBeam((n, n), angles, n_columns)
    phantom = resize(shepp_logan_phantom(), (n, n), anti_aliasing=True)
    y = A.forward(torch.from_numpy(phantom).float())
    sinogram, degrees = np.ascontiguousarray(y.numpy().T), np.rad2deg(angles)
    contenders: Contenders = {
        "proxflow": lambda: fbp_image(A, y),
        "astra FBP, linear": astra_fbp(n, n_columns, angles, y.numpy()),
        "scikit-image iradon": lambda: iradon(sinogram, degrees, output_size=n, circle=False),
    }
    inside = np.hypot(*(np.indices((n, n)) - (n - 1) / 2)) < n / 2 - 1
    flops = 4 * FBP_ANGLES * n * n
    yield from compared(
        Row("ParallelBeam FBP", f"{n} x {n}, {FBP_ANGLES} x {n_columns}", "fbp", "", work=flops),
        contenders,
        truths=dict.fromkeys(["proxflow", "astra FBP, linear"], phantom[inside]),
        limits={"proxflow": flops_limit(flops, f"{flops / 1e9:.2f} GFLOP")},
        as_array=lambda image: np.asarray(image)[inside],
    )
