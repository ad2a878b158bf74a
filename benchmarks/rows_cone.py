"""ConeBeam and FDK on the CPU.

No CPU projector for cone beams was found to compare with: ASTRA's are for CUDA. ``error`` is against the
same computation in double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine_limits import flops_limit
from benchmarks.operator_row import Contenders, Row, compared, set_up
from proxflow.models.methods.fdk import fdk_image
from proxflow.operators.cone_beam import ConeBeam

SIZES = {"small": [(48, 45, 72), (96, 90, 144)], "all": [(48, 45, 72), (96, 90, 144), (192, 180, 288)]}
FLOPS_PER_SAMPLE = 4  # one linear interpolation, added up


def rows(sizes: str) -> Iterator[Row]:
    """Every action for the named sizes ("small" or "all"): voxels a side, views, cells a side."""
    for n, n_views, n_cells in SIZES[sizes]:
        yield from _rows_of(n, n_views, n_cells)


def cone_beam(n: int, n_views: int, n_cells: int) -> ConeBeam:
    """A full turn with the source four sides of the volume away, magnified by 1.5."""
    return ConeBeam(
        (n, n, n),
        np.linspace(0, 2 * np.pi, n_views, endpoint=False),
        (n_cells, n_cells),
        source_origin_mm=4.0 * n,
        source_detector_mm=6.0 * n,
        column_size_mm=1.5 * 1.4 * n / n_cells,
    )


def cone_size(n: int, n_views: int, n_cells: int) -> str:
    return f"{n}^3, {n_views} views of {n_cells} x {n_cells}"


def ball(n: int) -> Tensor:
    """float32 (n, n, n), one within 0.4 sides of the centre."""
    square = (torch.arange(n) - (n - 1) / 2).square()
    return (square + square[:, None] + square[:, None, None] < (0.4 * n) ** 2).float()


def _rows_of(n: int, n_views: int, n_cells: int) -> Iterator[Row]:
    x = ball(n)
    ball_data = cone_beam(n, n_views, n_cells).forward(x)  # kernels compiled or loaded from disk
    row = Row("ConeBeam", cone_size(n, n_views, n_cells), "", "")
    yield set_up(row, "proxflow, first forward", lambda: cone_beam(n, n_views, n_cells).forward(x))
    A = cone_beam(n, n_views, n_cells)
    actions: dict[str, tuple[Callable[[Tensor], Tensor], Tensor, int]] = {
        "forward": (A.forward, x, n * ball_data.numel()),
        "adjoint": (A.adjoint, ball_data, n * ball_data.numel()),
        "normal": (A.normal, x, 2 * n * ball_data.numel()),
        "fdk": (lambda data: fdk_image(A, data), ball_data, n_views * x.numel()),
    }
    for action, (function, data, n_samples) in actions.items():
        contenders: Contenders = {"proxflow": lambda f=function, d=data: f(d)}  # type: ignore[misc]
        flops = FLOPS_PER_SAMPLE * n_samples
        limit = flops_limit(flops, f"{flops / 1e9:.2f} GFLOP")
        yield from compared(
            replace(row, action=action, work=n_samples),
            contenders,
            truths=function(data.double()),
            limits={"proxflow": limit},
        )
