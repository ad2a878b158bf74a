"""The methods of the tables of decomposed diffusion sampling, and of others, and how each is called."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from proxflow.configs.methods import METHOD_SCHEMAS, MethodConfig
from proxflow.models.methods.certificate import Certificate
from proxflow.models.methods.scaling import data_scale
from proxflow.models.solvers.iteration import Iteration
from proxflow.operators.base import LinearOperator
from proxflow.tasks.denoisers import file_of, name_parts
from proxflow.tasks.method_arguments import method_arguments
from proxflow.tasks.methods import METHODS, method_function

Numbers = dict[str, Any]
DDS = "dds"
PRIOR_FIELDS = {"prior": "prior", "prox": "prior", "image": "denoiser"}  # by what a method opens
SAMPLER = re.compile(r"(dds(?:-axial)?)(?:-(\d+)(?:x(\d+))?)?")


@dataclass(frozen=True)
class Posed:
    """One image, or one volume, to be found.

    operator, y: what was measured, y = A x + w.  norm: ||A||, or little more.
    reference: real or complex (item, y, x), an image being one item.  region: bool, in which it is judged.
    direct: the operator of a slice, for formulas; None: ``operator``.
    item: decides the noise of sampling.  noise_std: sqrt(E |w|^2) of one measurement; None: not known.
    told: what is kept of the problem beside the figures of images.
    """

    operator: LinearOperator
    y: Tensor
    norm: float
    reference: np.ndarray
    region: np.ndarray | None = None
    direct: LinearOperator | None = None
    item: int = 0
    noise_std: float | None = None
    told: Mapping[str, float] = field(default_factory=dict)


class Contender(NamedTuple):
    """A row of a table.  tuned: which numbers are its own; rows that differ in steps alone share them."""

    label: str
    method: str
    fixed: Mapping[str, Any]
    tuned: str
    weights: str = ""


class Solved(NamedTuple):
    image: np.ndarray  # (item, y, x)
    seconds: float
    trace: Sequence[Iteration] = ()
    certificate: Certificate | None = None


def contenders(names: Sequence[str], priors: Sequence[str]) -> list[Contender]:
    """Of ``tv`` one; of ``dds-50`` one for each prior, 50 being the steps, of ``dds-50x8`` the mean of eight
    samples; of ``dds-axial-50`` likewise, with total variation across slices; of ``score_mri``, ``dps``,
    ``red``, ``pnp_admm`` and ``lpn`` one for each prior. SystemExit for a name that no method has, and for a
    prior that the method does not know.
    """
    found = []
    for name in names:
        sampler = SAMPLER.fullmatch(name)
        if sampler is None:
            if name not in METHODS:
                raise SystemExit(
                    f"methods must be of {', '.join(METHODS)}, or dds-50 or dds-50x8, got {name}"
                )
            field = PRIOR_FIELDS.get(METHODS[name].opens)
            if field is None:
                found.append(Contender(name, name, {}, name))
            else:
                found += [_with_prior(name, field, prior) for prior in priors]
            continue
        tuned, steps, samples = sampler[1], int(sampler[2] or 50), int(sampler[3] or 1)
        several = f", {samples} samples" if samples > 1 else ""
        for prior in priors:
            label = f"{tuned}, {steps} steps{several}, {_short(prior)}"
            fixed = {"n_iter": steps, "prior": prior, "samples": samples}
            found.append(Contender(label, DDS, fixed, tuned, weights_of(prior)))
    return found


def _with_prior(name: str, field: str, prior: str) -> Contender:
    try:
        METHOD_SCHEMAS[name].model_validate({"method": name, field: prior})
    except ValidationError:
        raise SystemExit(f"prior must be one that {name} knows, got {prior}") from None
    return Contender(f"{name}, {_short(prior)}", name, {field: prior}, name, weights_of(prior))


def weights_of(prior: str, must_be: str = "prior must be tv, fourier-wiener, one that ships") -> str:
    """A name, with a digest where it is of a file, so that figures of others are not taken for its own.
    SystemExit, beginning with ``must_be``, where there is no such file.
    """
    path = file_of(prior)
    if path is None:
        return prior
    if not path.is_file():
        raise SystemExit(f"{must_be} or an existing file, got {prior}")
    return f"{path.name}{name_parts(prior)[1]} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def _short(prior: str) -> str:
    path = file_of(prior)
    return prior if path is None else path.stem + name_parts(prior)[1]


def solved(contender: Contender, numbers: Numbers, posed: Posed, device: str) -> Solved:
    """The image by one method, called as a run calls it; networks are opened before the clock starts.

    Seconds are those the processor worked; on another device those that passed.
    """
    config = TypeAdapter(MethodConfig).validate_python(
        {"method": contender.method, **numbers, **contender.fixed}
    )
    arguments = dict(_opened(config.model_dump_json(), device))
    method, function = METHODS[contender.method], method_function(contender.method)
    operator, y = posed.operator.to(device), posed.y.to(device)
    clock = time.process_time if device == "cpu" else time.perf_counter
    began = clock()
    if method.direct:
        made = function((posed.direct or operator).to(device), y, **arguments)
        image = made.image
    else:
        normalised = operator if posed.norm == 1 else (1 / posed.norm) * operator
        scale = data_scale(normalised, y)
        image_scale = scale / posed.norm
        level = None if posed.noise_std is None else posed.noise_std / scale
        told = {"item": posed.item, "noise_std": level, "certified": True, "image_scale": image_scale}
        arguments |= {name: told[name] for name in method.told}
        made = function(normalised, y / scale, **arguments)
        image = made.image * image_scale
    found = image.cpu().numpy().reshape(posed.reference.shape)
    return Solved(found, clock() - began, made.trace, made.certificate)


@lru_cache(maxsize=4)
def _opened(config: str, device: str) -> dict[str, Any]:
    return method_arguments(TypeAdapter(MethodConfig).validate_json(config), device=device)


def device_of(name: str, threads: int) -> str:
    """``name`` where torch has it, with ``threads`` of the processor; SystemExit otherwise."""
    torch.set_num_threads(threads)
    if name != "cpu" and not torch.cuda.is_available():
        raise SystemExit(f"device must be cpu where torch finds no other, got {name}")
    return name
