"""ASTRA's CPU projectors and FBP, between arrays that ASTRA holds already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import astra
import numpy as np
from torch import Tensor

from benchmarks.tomography_problem import TomographyProblem

Call = Callable[[], Any]


def astra_pair(problem: TomographyProblem, model: str) -> tuple[Call, Call]:
    """Forward and back-projection of the problem's slices, one by one; each returns a list of arrays."""
    n = problem.x.shape[-1]
    half = n * problem.pixel / 2
    volume = astra.create_vol_geom(n, n, -half, half, -half, half)
    projector = astra.create_projector(model, problem.projection, volume)
    forward = {"data": "VolumeDataId", "result": "ProjectionDataId"}
    back = {"data": "ProjectionDataId", "result": "ReconstructionDataId"}
    image, sinogram = ("-vol", volume), ("-sino", problem.projection)
    return (
        _runner("FP", projector, forward, image, sinogram, problem.x),
        _runner("BP", projector, back, sinogram, image, problem.y),
    )


def astra_fbp(n: int, n_columns: int, angles: np.ndarray, sinogram: np.ndarray) -> Call:
    """Ram-Lak, by the "linear" projector's back-projection."""
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


def _runner(
    kind: str,
    projector: int,
    names: dict[str, str],
    source: tuple[str, dict[str, Any]],
    target: tuple[str, dict[str, Any]],
    slices: Tensor,
) -> Call:
    results, algorithms = [], []
    for array in slices:
        settings = astra.astra_dict(kind)
        results.append(astra.data2d.create(*target))
        settings["ProjectorId"] = projector
        settings[names["data"]] = astra.data2d.create(*source, array.numpy())
        settings[names["result"]] = results[-1]
        algorithms.append(astra.algorithm.create(settings))

    def call() -> list[np.ndarray]:
        for algorithm in algorithms:
            astra.algorithm.run(algorithm)
        return [astra.data2d.get_shared(result) for result in results]

    return call
