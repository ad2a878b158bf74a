"""One iteration of plug-and-play on the magnitude in several forms, for ``benchmarks.pnp_iteration``."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.dense_pnp import DensePnp
from benchmarks.magnitude_scenes import Cell, array_of, posed
from benchmarks.rows_radar import dense_matrix, radar_problem
from proxflow.models.denoisers.volume_network import VolumeNetworkDenoiser
from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers.constrained_step import AdmmNumbers, constrained_start, constrained_step
from proxflow.models.solvers.data_step import DataUpdate, data_step
from proxflow.operators.base import LinearOperator
from proxflow.tasks.volume_networks import open_level_denoiser

KAPPA, SIGMA, ALPHA = 0.013, 0.2, 0.1
FIRST, SNR_DB = 100, 30

Prior = Callable[[Tensor], Tensor]
"""Of a magnitude (z, y, x) with a peak of about 1."""


@dataclass(frozen=True)
class Problem:
    """One scene, scaled so that the image all start from has a peak of 1."""

    operator: LinearOperator  # of norm 1
    y: Tensor  # complex64 (frequency, transmitter, receiver)
    start: Tensor  # complex64 (z, y, x)
    epsilon: float  # absolute
    n_frequencies: int


@dataclass
class Contender:
    """``step`` maps a state to the next; ``change`` and ``image`` (z, y, x) read one."""

    begin: Callable[[], Any]
    step: Callable[[Any], Any]
    change: Callable[[Any], float]
    image: Callable[[Any], Tensor]


@dataclass(frozen=True)
class Priors:
    """The network twice: as here, and with weights and activations in torch's usual order."""

    network: VolumeNetworkDenoiser
    plain: torch.nn.Module

    @classmethod
    def opened(cls, name: str, device: str) -> Priors:
        denoiser = open_level_denoiser(name, device=device)
        if not isinstance(denoiser, VolumeNetworkDenoiser):
            raise SystemExit(f"denoiser must be a network of volumes, got {name}")
        plain = copy.deepcopy(denoiser.network).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return cls(denoiser, plain)

    def ours(self, magnitude: Tensor) -> Tensor:
        return self.network(magnitude[None], SIGMA)[0]

    @torch.no_grad()
    def dense(self, magnitude: Tensor) -> Tensor:
        told = torch.full_like(magnitude, SIGMA)
        found: Tensor = self.plain(torch.stack([magnitude, told])[None].float())[0, 0]
        return found.to(magnitude.dtype)


def soft(magnitude: Tensor) -> Tensor:
    return soft_threshold(magnitude, ALPHA)


def scaled_problem(n_frequencies: int, device: str) -> Problem:
    found = posed(Cell(n_frequencies, SNR_DB), FIRST, 1)
    y = found.y[0].to(device)
    zero = torch.zeros(found.operator.domain_shape, dtype=y.dtype, device=device)
    start = data_step(found.operator, y, KAPPA, 1, update="woodbury")(zero, y, zero, KAPPA)[0]
    peak = float(start.abs().max())
    epsilon = float(found.epsilon[0]) * float(y.norm()) / peak
    return Problem(found.operator, y / peak, start / peak, epsilon, n_frequencies)


def ours(problem: Problem, update: DataUpdate, prior: Prior) -> Contender:
    """Set-up, but for the operator's factors, happens here."""
    y, operator = problem.y, problem.operator
    unit = torch.ones((), dtype=torch.float64, device=y.device)
    n_axes = len(operator.domain_shape)
    step = partial(
        constrained_step,
        y=y,
        epsilon=problem.epsilon * unit,
        peak=unit,
        data_step=data_step(operator, y, KAPPA, 1, update=update),
        denoise=lambda magnitude, memory, strength: (prior(magnitude), memory),
        numbers=AdmmNumbers(KAPPA, problem.epsilon, 1, 0.0),
        n_axes=n_axes,
    )

    def begin() -> Any:
        return constrained_start(problem.start, operator.forward(problem.start), y.real.new_zeros(0), n_axes)

    return Contender(begin, step, lambda state: float(state.change), lambda state: state.s)


def dense(problem: Problem, matrix: Tensor, prior: Prior) -> Contender:
    shape = problem.operator.domain_shape

    def flat(magnitude: Tensor) -> Tensor:
        return prior(magnitude.view(shape)).flatten()

    solver = DensePnp(matrix, problem.y.flatten(), problem.epsilon, KAPPA, flat)
    return Contender(
        lambda: solver.start(problem.start.flatten()),
        solver.step,
        lambda state: state.change,
        lambda state: state.s.view(shape),
    )


def scaled_matrix(problem: Problem, dtype: torch.dtype) -> Tensor:
    matrix = dense_matrix(radar_problem(problem.n_frequencies), dtype=dtype)
    matrix /= array_of(problem.n_frequencies)[1]
    return matrix.to(problem.y.device)
