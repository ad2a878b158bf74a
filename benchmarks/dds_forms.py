"""What a step of `dds` is measured with: its problem, a network of random weights, SigPy's consistency."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import sigpy.alg
import sigpy.linop
import sigpy.mri.linop
import torch
from torch import Tensor

from benchmarks.sense_problem import sense_problem
from proxflow.models.diffusion.data_consistency import Consistent, ProximalConsistency
from proxflow.models.diffusion.network_priors import VpNetworkPrior
from proxflow.models.diffusion.noise_levels import NoiseLevel
from proxflow.models.diffusion.priors import DiffusionPrior
from proxflow.models.methods.dds import dds
from proxflow.models.methods.scaling import data_scale
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.operators.cartesian_sense import CartesianSense

GAMMA, N_CG = 5.0, 5
GAIN = 0.3  # of random weights, under which the sampler's images stay finite
Array = np.ndarray


class Posed(NamedTuple):
    """operator of norm at most 1, of ``mask`` and ``coil_maps``; y complex64 (coil, n, n), scaled as methods
    are given it."""

    operator: CartesianSense
    y: Tensor
    mask: Tensor
    coil_maps: Tensor


def posed(n_coils: int, n: int, kind: str = "kx lines") -> Posed:
    """Coils of the benchmarks' synthetic image, a quarter of the points or lines and 24 central ones kept."""
    image, mask, maps = sense_problem(n_coils, n, kind)
    operator = CartesianSense(mask, maps)
    y = operator.forward(image)
    return Posed(operator, y / data_scale(operator, y), mask, maps)


def random_unet(settings: DiffusionUnetSettings) -> DiffusionUnet:
    """A network of which no weight is zero."""
    generator = torch.Generator().manual_seed(0)
    network = DiffusionUnet(settings).eval()
    for parameter in network.parameters():
        bound = GAIN / math.sqrt(parameter[0].numel())
        parameter.data.uniform_(-bound, bound, generator=generator)
    return network.requires_grad_(False)


def sigpy_consistency(problem: Posed, b: Array) -> Callable[[Array], Array]:
    """``ProximalConsistency`` written with SigPy, a denoised image (n, n) to one nearer the data."""
    sense = sigpy.mri.linop.Sense(problem.coil_maps.numpy(), weights=problem.mask.numpy().astype(np.float32))
    system = sigpy.linop.Identity(problem.mask.shape) + GAMMA * sense.N

    def consistent(denoised: Array) -> Array:
        x = denoised.copy()
        solver = sigpy.alg.ConjugateGradient(system, denoised + GAMMA * b, x, max_iter=N_CG)
        while not solver.done():
            solver.update()
        return x

    return consistent


class StepSeconds(NamedTuple):
    """Of one step, and of its parts."""

    whole: float
    network: float
    consistency: float

    @property
    def rest(self) -> float:
        return self.whole - self.network - self.consistency


class WatchedSampler:
    """`dds` with ``GAMMA`` and ``N_CG`` whose parts are timed by ``clock``."""

    def __init__(self, problem: Posed, prior: DiffusionPrior, clock: Callable[[], float]) -> None:
        self.problem, self.prior, self.clock = problem, prior, clock
        self.in_network = self.in_consistency = 0.0
        b = problem.operator.adjoint(problem.y)
        watched = self

        class Watched(ProximalConsistency):
            def __call__(self, denoised: Tensor, level: NoiseLevel) -> Consistent:
                began = clock()
                found = super().__call__(denoised, level)
                watched.in_consistency += clock() - began
                return found

        self.consistency = Watched(problem.operator, b, gamma=GAMMA, n_cg=N_CG)

    def predict(self, x: Tensor, level: NoiseLevel) -> Tensor:
        began = self.clock()
        found = self.prior(x, level)
        self.in_network += self.clock() - began
        return found

    def steps(self, n_levels: int) -> list[StepSeconds]:
        """Each of them but the first and the last two, which draw no noise."""
        ends: list[StepSeconds] = []

        def end(*_: object) -> None:
            ends.append(StepSeconds(self.clock(), self.in_network, self.in_consistency))

        dds(
            self.problem.operator, self.problem.y, prior=self.predict, n_iter=n_levels,
            consistency=self.consistency, unit=1.0, monitor=end,
        )  # fmt: skip
        pairs = pairwise(ends[:-2])
        return [StepSeconds(*(b - a for a, b in zip(before, after, strict=True))) for before, after in pairs]


def small_prior(settings: DiffusionUnetSettings) -> VpNetworkPrior:
    return VpNetworkPrior(random_unet(settings))


def clock_of(n_threads: int) -> Callable[[], float]:
    """Computing time of one thread, which means something on a busy machine too, else that on the wall."""
    return time.process_time if n_threads == 1 else time.perf_counter
