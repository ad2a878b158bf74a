"""ConeBeam and FDK on the CPU, and parallel-beam FBP against scikit-image's and ASTRA's.

    python -m benchmarks.rows_cone [small|all]

No CPU projector for cone beams was found to compare with: ASTRA's are for CUDA. ``error`` is against the
same computation in double precision, and for FBP against the phantom within the field of view, where it
is left out for scikit-image: on an even grid its axis of rotation lies half a pixel aside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import astra
import numpy as np
import torch
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, resize
from torch import Tensor

from benchmarks.operator_row import Contenders, Row, measure, peak_bytes, relative_error, seconds_of
from proxflow.models.methods.fbp import fbp_image
from proxflow.models.methods.fdk import fdk_image
from proxflow.operators.cone_beam import ConeBeam
from proxflow.operators.parallel_beam import ParallelBeam

CONES = {"small": [(64, 60, 96)], "all": [(64, 60, 96), (128, 120, 192), (192, 180, 288)]}  # n, views, cells
FBP_SIZES = {"small": [256], "all": [128, 256, 512]}
N_ANGLES = 180
GEMM = 1024
FLOPS_PER_SAMPLE = 4  # one linear interpolation, added up


def rows(sizes: str = "all") -> Iterator[Row]:
    """Every action of every implementation for the named sizes ("small" or "all")."""
    for n, n_views, n_cells in CONES[sizes]:
        yield from _cone_rows(n, n_views, n_cells)
    for n in FBP_SIZES[sizes]:
        yield from _fbp_rows(n)


def _cone_rows(n: int, n_views: int, n_cells: int) -> Iterator[Row]:
    size = f"{n}^3, {n_views} views of {n_cells} x {n_cells}"
    angles = np.linspace(0, 2 * np.pi, n_views, endpoint=False)
    A = ConeBeam(
        (n, n, n),
        angles,
        (n_cells, n_cells),
        source_origin_mm=4.0 * n,
        source_detector_mm=6.0 * n,
        column_size_mm=1.5 * 1.4 * n / n_cells,
    )
    yield Row("ConeBeam", size, "set-up", "proxflow, first forward", seconds_of(lambda: A.forward(_ball(n))))
    x, y = _ball(n), A.forward(_ball(n))
    actions: dict[str, tuple[Callable[[Tensor], Tensor], Tensor, int]] = {
        "forward": (A.forward, x, n * y.numel()),
        "adjoint": (A.adjoint, y, n * y.numel()),
        "fdk": (lambda data: fdk_image(A, data), y, n_views * x.numel()),
    }
    for action, (function, data, n_samples) in actions.items():
        contenders: Contenders = {"proxflow": lambda f=function, d=data: f(d)}  # type: ignore[misc]
        row = Row("ConeBeam", size, action, "proxflow", 0.0)
        row = replace(row, error=relative_error(function(data), function(data.double())))
        row = replace(row, bytes=peak_bytes(contenders["proxflow"]))
        yield from _timed([row], contenders, 5, n_samples)


def _fbp_rows(n: int) -> Iterator[Row]:
    """The Shepp-Logan phantom by each implementation from one sinogram."""
    n_columns = int(np.ceil(np.sqrt(2) * n)) | 1
    angles = np.linspace(0, np.pi, N_ANGLES, endpoint=False)
    A = ParallelBeam((n, n), angles, n_columns)
    phantom = resize(shepp_logan_phantom(), (n, n), anti_aliasing=True)
    y = A.forward(torch.from_numpy(phantom).float())
    sinogram, degrees = np.ascontiguousarray(y.numpy().T), np.rad2deg(angles)
    contenders: Contenders = {
        "proxflow": lambda: fbp_image(A, y),
        "astra FBP, linear": _astra_fbp(n, n_columns, angles, y.numpy()),
        "skimage iradon": lambda: iradon(sinogram, degrees, output_size=n, circle=False),
    }
    inside = np.hypot(*(np.indices((n, n)) - (n - 1) / 2)) < n / 2 - 1
    found = [
        Row(
            "ParallelBeam",
            f"{n} x {n}, {N_ANGLES} x {n_columns}",
            "fbp",
            name,
            0.0,
            error=None if "skimage" in name else relative_error(np.asarray(call())[inside], phantom[inside]),
            bytes=peak_bytes(call),
        )
        for name, call in contenders.items()
    ]
    yield from _timed(found, contenders, 20, N_ANGLES * n * n)


def _timed(found: list[Row], contenders: Contenders, repeats: int, n_samples: int) -> Iterator[Row]:
    """``found`` with times, and as the limit the interpolations' flops at the rate of a matrix product."""
    a = torch.ones(GEMM, GEMM)
    seconds = measure({**contenders, "limit": lambda: a @ a}, repeats)
    limit = seconds["limit"] * FLOPS_PER_SAMPLE * n_samples / (2 * GEMM**3)
    for row in found:
        text = f"{n_samples * FLOPS_PER_SAMPLE / 1e9:.2f} GFLOP as a matrix product"
        yield replace(row, seconds=seconds[row.implementation], limit_seconds=limit, limit_text=text)


def _astra_fbp(n: int, n_columns: int, angles: np.ndarray, sinogram: np.ndarray) -> Callable[[], np.ndarray]:
    volume = astra.create_vol_geom(n, n)
    rays = astra.create_proj_geom("parallel", 1.0, n_columns, angles)
    image = astra.data2d.create("-vol", volume)
    algorithm = astra.algorithm.create(
        {
            "type": "FBP",
            "ProjectorId": astra.create_projector("linear", rays, volume),
            "ProjectionDataId": astra.data2d.create("-sino", rays, sinogram),
            "ReconstructionDataId": image,
            "option": {"FilterType": "Ram-Lak"},
        }
    )

    def run() -> np.ndarray:
        astra.algorithm.run(algorithm)
        return astra.data2d.get_shared(image)

    return run


def _ball(n: int) -> Tensor:
    axis = torch.arange(n) - (n - 1) / 2
    square = axis.square()
    return (square + square[:, None] + square[:, None, None] < (0.4 * n) ** 2).float()


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    for row in rows(*sys.argv[1:]):
        name = f"{row.operator:13s}{row.size:34s}{row.action:8s}{row.implementation:24s}"
        figures = f"{1e3 * row.seconds:9.1f} ms  limit {1e3 * (row.limit_seconds or 0):8.2f} ms"
        error = "" if row.error is None else f"error {row.error:.1e}"
        memory = "" if row.bytes is None else f"{row.bytes / 2**20:7.0f} MiB"
        print(f"{name}{figures} {error} {memory}")
