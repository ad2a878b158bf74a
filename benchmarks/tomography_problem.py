"""What the tomography benchmarks compute: blobs, whose line integrals are known, and two geometries."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, pi, sqrt
from typing import Any, NamedTuple

import astra
import numpy as np
import torch
from torch import Tensor

from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.parallel_beam import ParallelBeam

FAN: dict[str, Any] = {
    "source_origin_mm": 410.66,
    "source_detector_mm": 553.74,
    "column_size_mm": 0.2,
    "pixel_size_mm": 0.1483,
}
BLOBS = ((0.1, -0.15, 0.06), (-0.2, 0.1, 0.09), (0.05, 0.2, 0.04))  # x, y and sigma, in image sides


class TomographyProblem(NamedTuple):
    """Gaussian blobs, whose line integrals are known, and the transform under test."""

    operator: str
    size: str
    x: Tensor  # float32 (slice, n, n)
    y: Tensor  # float32 (slice, angle, column)
    exact: np.ndarray  # line integrals of the blobs (angle, column)
    make: Callable[..., ParallelBeam | FanBeam]
    projection: dict[str, Any]  # ASTRA's geometry
    astra_models: tuple[str, ...]
    pixel: float  # in the unit of both geometries


def parallel_problem(n: int, n_angles: int, n_slices: int) -> TomographyProblem:
    """Angles over half a turn, columns of a pixel's width over the image's diagonal."""
    angles, n_columns = np.arange(n_angles) * pi / n_angles, ceil(sqrt(2) * n)
    s = np.broadcast_to(np.arange(n_columns) - (n_columns - 1) / 2, (n_angles, n_columns))
    return TomographyProblem(
        "ParallelBeam",
        f"{n_slices} x {n} x {n}, {n_angles} x {n_columns}",
        _blobs(n).expand(n_slices, n, n).contiguous(),
        torch.rand(n_slices, n_angles, n_columns, generator=torch.Generator().manual_seed(1)),
        _integrals(n, angles[:, None], s),
        lambda **number: ParallelBeam((n, n), angles, n_columns, **number),
        astra.create_proj_geom("parallel", 1.0, n_columns, angles),
        ("line", "linear"),
        1.0,
    )


def fan_problem(divisor: int = 1) -> TomographyProblem:
    """The Helsinki challenge of 2022, 721 views of 560 columns, 512^2; or so many times coarser."""
    n, n_columns, n_angles = 512 // divisor, 560 // divisor, 720 // divisor + 1
    angles = np.linspace(0, 2 * pi, n_angles)
    pixel, column = FAN["pixel_size_mm"] * divisor, FAN["column_size_mm"] * divisor
    sizes = {**FAN, "pixel_size_mm": pixel, "column_size_mm": column}
    source, detector, pitch = (
        sizes[name] / pixel for name in ("source_origin_mm", "source_detector_mm", "column_size_mm")
    )
    gamma = np.arctan((np.arange(n_columns) - (n_columns - 1) / 2) * pitch / detector)
    exact = _integrals(n, angles[:, None] - gamma, source * np.sin(gamma)) * pixel
    distances = FAN["source_origin_mm"], FAN["source_detector_mm"] - FAN["source_origin_mm"]
    return TomographyProblem(
        "FanBeam",
        f"1 x {n} x {n}, {n_angles} x {n_columns}",
        _blobs(n)[None],
        torch.rand(1, n_angles, n_columns, generator=torch.Generator().manual_seed(1)),
        exact,
        lambda **number: FanBeam((n, n), angles, n_columns, **sizes, **number),
        astra.create_proj_geom("fanflat", column, n_columns, angles, *distances),
        ("line_fanflat",),
        pixel,
    )


def _blobs(n: int) -> Tensor:
    axis = np.arange(n) - (n - 1) / 2
    y, x = -axis[:, None] / n, axis[None, :] / n
    parts = [np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2)) for cx, cy, sigma in BLOBS]
    return torch.from_numpy(np.sum(parts, axis=0).astype(np.float32))


def _integrals(n: int, theta: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Of the blobs, along the lines {s u + r d} of angle theta, in pixels."""
    parts = [
        sigma
        * n
        * sqrt(2 * pi)
        * np.exp(-((s / n - cx * np.cos(theta) - cy * np.sin(theta)) ** 2) / (2 * sigma**2))
        for cx, cy, sigma in BLOBS
    ]
    return np.sum(parts, axis=0)
