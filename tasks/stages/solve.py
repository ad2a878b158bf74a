"""One item through one method: operator, scaling, method, scaling back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.methods import MethodConfig
from proxflow.models.methods.scaling import data_scale
from proxflow.models.solvers.iteration import Checkpoint, Iteration, Monitor
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.tasks.methods import method_function
from proxflow.tasks.stage import StageContext

DTYPES = {"single": torch.complex64, "double": torch.complex128}


@dataclass(frozen=True)
class Problem:
    """One item: what was measured of it and through which coils.

    samples: complex (coil, ky, kx); mask: bool (ky, kx), the samples the method is given;
    maps: complex (coil, y, x). All on the device, at the working precision.
    """

    samples: Tensor
    mask: Tensor
    maps: Tensor

    def operator(self, mask: Tensor | None = None) -> CartesianSense:
        """The forward model of these coils, for the samples of ``mask``."""
        return CartesianSense(self.mask if mask is None else mask, self.maps)


@dataclass(frozen=True)
class Solution:
    """image: complex (y, x) in the unit of the coil-combined data. trace: one report per iteration."""

    image: Tensor
    trace: list[Iteration]


def load_problem(context: StageContext, item: int) -> Problem:
    """Read one item of the artefacts ``prepared`` and ``maps``."""
    dtype, device = DTYPES[context.config["precision"]], context.machine.device
    prepared, maps = context.inputs["prepared"], context.inputs["maps"]

    def row(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array[0]).to(device)

    return Problem(
        row(prepared.rows("samples", item, item + 1)).to(dtype),
        row(prepared.rows("mask", item, item + 1)),
        row(maps.rows("maps", item, item + 1)).to(dtype),
    )


def solve(
    problem: Problem,
    config: dict[str, object],
    *,
    mask: Tensor | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Solution:
    """Reconstruct from the samples of ``mask`` (the problem's own if not given).

    The data are scaled to max |A^H y| = 1 for the method and the image is scaled back.
    """
    method = TypeAdapter(MethodConfig).validate_python(config)
    operator = problem.operator(mask)
    y = problem.samples * (problem.mask if mask is None else mask)
    scale = data_scale(operator, y)
    numbers = method.model_dump(exclude={"method"})
    result = method_function(method.method)(operator, y / scale, **numbers, monitor=monitor, resume=resume)
    return Solution(result.image * scale, result.trace)


def misfit(problem: Problem, image: Tensor, mask: Tensor) -> tuple[float, float]:
    """||A x - y|| and ||y|| over the samples of ``mask``."""
    y = problem.samples * mask
    difference = problem.operator(mask).forward(image) - y
    return float(torch.linalg.vector_norm(difference)), float(torch.linalg.vector_norm(y))
