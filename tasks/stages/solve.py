"""One item through one method: operator, scaling, method, scaling back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.methods import MethodConfig
from proxflow.models.methods.certificate import Certificate
from proxflow.models.methods.scaling import data_scale
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Iteration, Monitor
from proxflow.tasks.calls import StageContext
from proxflow.tasks.denoisers import FILE
from proxflow.tasks.errors import RequestError
from proxflow.tasks.method_arguments import method_arguments
from proxflow.tasks.methods import METHODS, method_function
from proxflow.tasks.modalities.base import Problem, Setting
from proxflow.tasks.modalities.registry import modality


@dataclass(frozen=True)
class Solution:
    """image: of the operator's domain, in the unit of the object.  trace: one report per iteration.

    curves, maps, certificate: see ``Reconstruction``; maps in the unit of the object too.
    """

    image: Tensor
    trace: list[Iteration]
    curves: Mapping[str, list[list[float]]]
    maps: Mapping[str, Tensor]
    certificate: Certificate | None = None


def load_problem(context: StageContext, item: int) -> Problem:
    """One item of ``prepared`` and ``calibrated``; RequestError where the method does not fit."""
    prepared = context.inputs["prepared"]
    scan = prepared.document("scan")
    kind = modality(scan["modality"])
    kind.check_method(context.config["method"]["method"], scan)
    setting = Setting(context.config["precision"], context.machine)
    return kind.problem(prepared, context.inputs["calibrated"], item, setting)


def solve(
    problem: Problem,
    context: StageContext,
    item: int = 0,
    *,
    mask: Tensor | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Solution:
    """Reconstruct item ``item`` from the measurements of ``mask`` (the problem's own if not given).

    A direct method is given the operator and the data as they are. Any other is given A / ||A|| and data
    scaled to max |A^H y| = 1 with it, and the image is scaled back. A method with a denoiser is given it
    opened; one that draws noise, the number of the item in the scan's file.

    Raises RequestError where the method finds that these measurements do not allow what is asked of it.
    """
    method: MethodConfig = TypeAdapter(MethodConfig).validate_python(context.config["method"])
    operator, y = problem.posed(problem.mask if mask is None else mask)
    machine, file = context.machine, context.files.get(FILE)
    numbers = method_arguments(method, file=file, device=machine.device, memory_bytes=machine.memory_bytes)
    function = method_function(method.method)
    if METHODS[method.method].direct:
        with _suitable(method.method):
            result = function(operator, y, **numbers, monitor=monitor, resume=resume)
        return Solution(result.image, result.trace, result.curves, result.maps)
    normalised = operator if problem.norm == 1.0 else (1 / problem.norm) * operator
    scale = data_scale(normalised, y)
    told = _of_item(context, item, scale) if METHODS[method.method].told else {}
    factor = scale / problem.norm
    told |= {"certified": mask is None, "image_scale": factor}
    numbers |= {name: told[name] for name in METHODS[method.method].told}
    with _suitable(method.method):
        result = function(normalised, y / scale, **numbers, monitor=monitor, resume=resume)
    maps = {name: values * factor for name, values in result.maps.items()}
    return Solution(result.image * factor, result.trace, result.curves, maps, result.certificate)


@contextmanager
def _suitable(method: str) -> Iterator[None]:
    """RequestError where the method finds that measurements do not allow what is asked of it."""
    try:
        yield
    except UnsuitableError as error:
        raise RequestError(f"reconstruct.{method}: {error}") from None


def _of_item(context: StageContext, item: int, scale: float) -> dict[str, Any]:
    """``item`` and ``noise_std`` as ``Method`` has them, of data divided by ``scale``."""
    scan = context.inputs["prepared"].document("scan")
    level = scan["noise_std"][item]
    return {"item": scan["items"][item], "noise_std": None if level is None else level / scale}


def misfit(problem: Problem, image: Tensor, mask: Tensor) -> tuple[float, float]:
    """||A x - y|| and ||y|| over the measurements of ``mask``."""
    operator, y = problem.posed(mask)
    difference = operator.forward(image) - y
    squares = squared_norm(difference, y.ndim), squared_norm(y, y.ndim)
    return float(squares[0]) ** 0.5, float(squares[1]) ** 0.5


def noise_floor(noise_std: float | None, count: int, norm: float) -> float | None:
    """What noise alone contributes to ||A x - y|| / ||y||; None where its level is unknown."""
    return None if noise_std is None else noise_std * count**0.5 / (norm or 1.0)
