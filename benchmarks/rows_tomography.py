"""ParallelBeam and FanBeam against ASTRA's CPU projectors, scikit-image and deepinv.

    python -m benchmarks.rows_tomography [small|all]

ASTRA has no transform of many slices in two dimensions on the CPU: its slices go one by one. scikit-image
and deepinv take seconds, so they are called twice and not in turns with the others; their adjoints are
unfiltered back-projections in their own scaling, whose error is not comparable. scikit-image turns about
pixel n // 2, half a pixel off the centre of even sizes, which is most of its error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from math import ceil
from typing import Any

import astra
import numpy as np
import torch
from skimage.transform import iradon, radon

from benchmarks.deepinv_physics import _declare_torchvision_operators
from benchmarks.operator_row import Contenders, Row, measure, peak_bytes, relative_error, seconds_of
from benchmarks.tomography_problem import Problem, fan_problem, parallel_problem
from proxflow.operators.sparse_projector import matrix_bytes

SIZES = {"small": [(128, 90)], "all": [(128, 90), (256, 180), (512, 360)]}


def rows(sizes: str = "all") -> Iterator[Row]:
    """Every action of every implementation for the named sizes ("small" or "all")."""
    for n, n_angles in SIZES[sizes]:
        for n_slices in (1, 8):
            problem = parallel_problem(n, n_angles, n_slices)
            yield from _rows_of(problem, 10 if n < 500 else 5)
            yield from _slow_rows(problem)
    if sizes == "all":
        yield from _rows_of(fan_problem(), 5)


def _rows_of(problem: Problem, repeats: int) -> Iterator[Row]:
    for action, set_up in {
        "proxflow rays": lambda: problem.make(backend="rays").forward(problem.x),
        "proxflow matrix": lambda: problem.make(backend="matrix", memory_bytes=1 << 62),
    }.items():
        set_up()  # kernels compiled or loaded
        peak = peak_bytes(set_up)
        yield Row(problem.operator, problem.size, "set-up", action, seconds_of(set_up), bytes=peak)
    ours = {name: problem.make(backend=name, memory_bytes=1 << 62) for name in ("rays", "matrix")}
    exact_adjoint = ours["rays"].adjoint(problem.y.double())
    forward: Contenders = {f"proxflow {name}": lambda A=A: A.forward(problem.x) for name, A in ours.items()}  # type: ignore[misc]
    adjoint: Contenders = {f"proxflow {name}": lambda A=A: A.adjoint(problem.y) for name, A in ours.items()}  # type: ignore[misc]
    for model in problem.astra_models:
        forward[f"astra {model}"], adjoint[f"astra {model}"] = _astra(problem, model)
    limits = _limits(ours["rays"].transform.n_interpolations, problem)
    for action, contenders, truth in (
        ("forward", forward, np.broadcast_to(problem.exact, problem.y.shape)),
        ("adjoint", adjoint, exact_adjoint),
    ):
        errors = {name: relative_error(np.asarray(call()), truth) for name, call in contenders.items()}
        peaks = {name: peak_bytes(call) for name, call in contenders.items()}
        for name, seconds in measure(contenders, repeats).items():
            limit = limits.get(name, (None, ""))
            yield Row(
                problem.operator, problem.size, action, name, seconds, errors[name], peaks[name], *limit
            )


def _limits(n_interpolations: int, problem: Problem) -> dict[str, tuple[float, str]]:
    """What the multiply-adds, or reading the matrix once, take at the machine's measured rates."""
    flops = 4 * n_interpolations * len(problem.x)
    size = matrix_bytes(2 * n_interpolations, problem.exact.size)
    tiles = ceil(len(problem.x) / 8)
    return {
        "proxflow rays": (flops / _flops_per_second(), "its multiply-adds at the GEMM rate"),
        "proxflow matrix": (tiles * size / _bytes_per_second(), "bytes of the matrix over the bandwidth"),
    }


@lru_cache
def _flops_per_second() -> float:
    a = torch.rand(1024, 1024)
    return 2 * 1024**3 / min(seconds_of(lambda: a @ a) for _ in range(20))


@lru_cache
def _bytes_per_second() -> float:
    a = torch.rand(1 << 27)
    return a.nbytes / min(seconds_of(a.sum) for _ in range(8))


def _astra(problem: Problem, model: str):  # type: ignore[no-untyped-def]
    """Forward and back-projection between arrays that ASTRA holds already."""
    n = problem.x.shape[-1]
    half = n * problem.pixel / 2
    volume = astra.create_vol_geom(n, n, -half, half, -half, half)
    projector = astra.create_projector(model, problem.projection, volume)
    calls = []
    for kind, target, source_name, source, target_name in (
        ("FP", "-sino", "VolumeDataId", problem.x, "ProjectionDataId"),
        ("BP", "-vol", "ProjectionDataId", problem.y, "ReconstructionDataId"),
    ):
        geometry, other = (problem.projection, volume) if kind == "FP" else (volume, problem.projection)
        results, algorithms = [], []
        for array in source:
            settings = astra.astra_dict(kind)
            name = "-vol" if kind == "FP" else "-sino"
            settings["ProjectorId"] = projector
            settings[source_name] = astra.data2d.create(name, other, array.numpy())
            results.append(astra.data2d.create(target, geometry))
            settings[target_name] = results[-1]
            algorithms.append(astra.algorithm.create(settings))

        def call(algorithms: list[int] = algorithms, results: list[int] = results) -> list[np.ndarray]:
            for algorithm in algorithms:
                astra.algorithm.run(algorithm)
            return [astra.data2d.get_shared(result) for result in results]

        calls.append(call)
    return calls


def _slow_rows(problem: Problem) -> Iterator[Row]:
    n, n_slices = problem.x.shape[-1], len(problem.x)
    degrees = np.arange(problem.y.shape[1]) * 180 / problem.y.shape[1]
    contenders: dict[str, dict[str, Callable[[], Any]]] = {}
    if n_slices == 1:
        image, sinogram = problem.x[0].numpy(), problem.y[0].numpy().T
        contenders["scikit-image"] = {
            "forward": lambda: radon(image, degrees, circle=False).T[None],
            "adjoint": lambda: iradon(sinogram, degrees, filter_name=None, circle=False, output_size=n),
        }
    physics = _deepinv(degrees, n)
    if physics is not None and (n < 500 or n_slices == 1):
        x, y = problem.x[:, None], problem.y.transpose(1, 2)[:, None].contiguous()
        contenders["deepinv"] = {
            "forward": lambda: physics.A(x)[:, 0].transpose(1, 2),
            "adjoint": lambda: physics.A_adjoint(y),
        }
    for name, actions in contenders.items():
        for action, call in actions.items():
            result = call()
            error = (
                relative_error(result, np.broadcast_to(problem.exact, problem.y.shape))
                if action == "forward"
                else None
            )
            peak = peak_bytes(call)
            seconds = min(seconds_of(call) for _ in range(2))
            yield Row(problem.operator, problem.size, action, name, seconds, error, peak)


def _deepinv(degrees: np.ndarray, n: int) -> Any:
    """deepinv's ``Tomography``; None where deepinv is not installed."""
    try:
        import torchvision  # noqa: F401
    except ModuleNotFoundError:
        return None
    except RuntimeError:
        _declare_torchvision_operators()
    from deepinv.physics import Tomography

    return Tomography(torch.from_numpy(degrees).float(), n, circle=False, normalize=False)


def main() -> None:
    for row in rows(*sys.argv[1:2]):
        error = f"{row.error:9.1e}" if row.error is not None else 9 * " "
        peak = f"{row.bytes / 2**20:8.1f} MiB" if row.bytes is not None else 12 * " "
        limit = f"{1e3 * row.limit_seconds:8.2f} ms {row.limit_text}" if row.limit_seconds else ""
        print(
            f"{row.operator:13s}{row.size:27s}{row.action:9s}{row.implementation:20s}"
            f"{1e3 * row.seconds:10.2f} ms{error}{peak}{limit}",
            flush=True,
        )


if __name__ == "__main__":
    with torch.no_grad():
        main()
