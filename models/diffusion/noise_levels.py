"""Noise levels of diffusion models, and the steps in which a sampler comes down from them."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

import torch

TRAINED_STEPS = 1000  # of the variance-preserving process
BETAS = 1e-4, 0.02  # first and last of its variances
SIGMAS = 0.01, 378.0  # least and greatest of the variance-exploding process

EtaRule = Literal["official", "ddim"]
Process = Literal["vp", "ve"]


@dataclass(frozen=True)
class NoiseLevel:
    """x_t = signal x_0 + noise eps, eps of unit variance in every real channel.

    time: what a network is told: the index 0 to 999 (variance preserving), or sigma (variance exploding).
    """

    time: float
    signal: float
    noise: float


@dataclass(frozen=True)
class SamplingStep:
    """From ``at`` to x' = signal x0 + kept eps + fresh z, with x0 and eps estimated and z drawn."""

    at: NoiseLevel
    signal: float
    kept: float
    fresh: float


def vp_levels() -> list[NoiseLevel]:
    """Of the variance-preserving process, t = 0 to 999:

        beta_i = linspace(1e-4, 0.02, 1000),  abar_t = prod_{i <= t} (1 - beta_i)
        signal = sqrt(abar_t),  noise = sqrt(1 - abar_t)

    Source: Ho, Jain & Abbeel, NeurIPS 2020.
    """
    betas = torch.linspace(*BETAS, TRAINED_STEPS, dtype=torch.float64)
    kept = torch.cumprod(1 - betas, 0).tolist()
    return [NoiseLevel(float(t), math.sqrt(abar), math.sqrt(1 - abar)) for t, abar in enumerate(kept)]


def sigma_range(process: Process) -> tuple[float, float]:
    """The least and the greatest noise / signal that priors of a process know: 0.01 to 157 or 378."""
    if process == "ve":
        return SIGMAS
    logarithms = _vp_log_sigmas()
    return math.exp(logarithms[0]), math.exp(logarithms[-1])


def level_of(sigma: float, process: Process) -> NoiseLevel:
    """The level at which x_t / signal = x_0 + sigma eps, with sigma brought into ``sigma_range`` first:

        signal = 1 / sqrt(1 + sigma^2),  noise = sigma signal     "vp"; t between two of 0 to 999 by ln sigma
        signal = 1,  noise = sigma                                "ve"

    So a network trained on one process takes images x_0 + sigma eps: it is given signal times them. Raises
    ValueError unless sigma > 0.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    low, high = sigma_range(process)
    if process == "ve":
        sigma = min(max(sigma, low), high)
        return NoiseLevel(sigma, 1.0, sigma)
    places = _vp_log_sigmas()
    place = min(max(math.log(sigma), places[0]), places[-1])
    below = min(bisect_right(places, place), TRAINED_STEPS - 1) - 1
    time = below + (place - places[below]) / (places[below + 1] - places[below])
    signal = 1 / math.sqrt(1 + math.exp(2 * place))
    return NoiseLevel(time, signal, math.exp(place) * signal)


@cache
def _vp_log_sigmas() -> tuple[float, ...]:
    """ln(noise / signal) of ``vp_levels``, rising."""
    return tuple(math.log(level.noise / level.signal) for level in vp_levels())


def vp_steps(n_steps: int, *, eta: float, rule: EtaRule = "official") -> list[SamplingStep]:
    """Down tau = 0, s, 2 s, ... with s = 1000 // n_steps, each tau to the one before:

        kept^2 + fresh^2 = 1 - abar'
        fresh = eta sqrt(1 - abar')                                        "official": the released code
        fresh = eta sqrt((1 - abar') / (1 - abar)) sqrt(1 - abar / abar')  "ddim": the paper's form

    What arrives at 0 has no noise added, and is denoised once more there. The same eta means very different
    amounts of fresh noise under the two rules. Raises ValueError unless 1 <= n_steps <= 1000, 0 <= eta <= 1.
    Source: Chung, Lee & Ye, ICLR 2024, and the code released with it; Song, Meng & Ermon, ICLR 2021.
    """
    if not 1 <= n_steps <= TRAINED_STEPS:
        raise ValueError(f"n_steps must be 1 to {TRAINED_STEPS}, got {n_steps}")
    _check_eta(eta)
    levels = vp_levels()[:: TRAINED_STEPS // n_steps][:n_steps]
    steps = []
    for at, to in zip(levels[:0:-1], levels[-2::-1], strict=True):
        if to.time == 0:
            steps.append(SamplingStep(at, 1.0, 0.0, 0.0))
            continue
        share = eta
        if rule == "ddim":
            share *= math.sqrt(1 - (at.signal / to.signal) ** 2) / at.noise
        steps.append(SamplingStep(at, to.signal, *_split(to.noise, share)))
    return [*steps, SamplingStep(levels[0], 1.0, 0.0, 0.0)]


def ve_steps(n_steps: int, *, eta: float) -> list[SamplingStep]:
    """Down a geometric grid of sigma from 378 to 0.01, each to the next smaller one, the last to no noise:

        fresh = sigma' eta (1 - sigma'^2 / sigma^2),   kept^2 + fresh^2 = sigma'^2

    Raises ValueError unless n_steps >= 2 and 0 <= eta <= 1.
    Source: Chung, Lee & Ye, ICLR 2024, algorithm 4, as independent code writes it.
    """
    if n_steps < 2:
        raise ValueError(f"n_steps must be at least 2, got {n_steps}")
    _check_eta(eta)
    low, high = SIGMAS
    sigmas = [high * (low / high) ** (i / (n_steps - 1)) for i in range(n_steps)]
    steps = [
        SamplingStep(NoiseLevel(at, 1.0, at), 1.0, *_split(to, eta * (1 - (to / at) ** 2)))
        for at, to in pairwise(sigmas)
    ]
    return [*steps, SamplingStep(NoiseLevel(low, 1.0, low), 1.0, 0.0, 0.0)]


def usual_eta(n_steps: int) -> float:
    """The paper's for 20, 50 and 100 steps, 0.15, 0.5 and 0.8, under the rule "official"."""
    return 0.15 if n_steps <= 25 else 0.5 if n_steps <= 75 else 0.8


def _split(noise: float, share: float) -> tuple[float, float]:
    """kept and fresh of a noise level."""
    return noise * math.sqrt(1 - share**2), noise * share


def _check_eta(eta: float) -> None:
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must be 0 to 1, got {eta}")
