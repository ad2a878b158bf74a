"""One iteration of ADMM on R(|s|) with the data in a ball, or as a sum of squares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from proxflow.models.priors.magnitude_prox import magnitude_prox
from proxflow.models.solvers.data_step import DataStep, DataUpdate
from proxflow.models.solvers.inner_product import over_image, squared_norm


class MagnitudeDenoiser(Protocol):
    def __call__(self, magnitude: Tensor, memory: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        """The denoised magnitude, of items with a peak of about 1, and the memory for next time.

        ``memory`` is what an inner solver starts from; a closed form or a network returns it as it came.
        ``strength`` multiplies the prior's weight alpha: 1, unless continuation lowers it.
        """
        ...


class ConstrainedState(NamedTuple):
    """Image, copies and scaled duals; ``change`` is per item, float64 (*batch)."""

    s: Tensor  # (*batch, *domain)
    mean: Tensor  # of s over all steps taken; empty unless asked for
    u1: Tensor  # copy of s that the prior acts on
    d1: Tensor  # scaled dual of u1 = s, minus Boyd's
    a_s: Tensor  # A s, (*batch, *range)
    u2: Tensor  # copy of A s in the ball
    d2: Tensor  # scaled dual of u2 = A s
    memory: Tensor  # what the denoiser keeps between calls
    change: Tensor  # ||  |s| - |s_previous|  || / || |s_previous| ||
    steps: Tensor  # float64 (*batch), steps taken


@dataclass(frozen=True)
class AdmmNumbers:
    """kappa: ratio of the penalties of u1 = s and u2 = A s, in the unit of ||A||^2.

    epsilon: noise norm over data norm, >= 0, one or per item. None: no constraint but the sum
    alpha kappa R(|s|) + 1/2 ||A s - y||^2 is minimised: u2 is held at y.
    alpha_decay, kappa_growth: continuation: alpha is divided by the one and kappa multiplied by the other
    after each iteration. 1 for none.
    rescale: a denoiser's unit is the peak of what it is given, and not the start's peak.
    average: what is delivered is the mean of s over all steps and not the last s.
    """

    kappa: float
    epsilon: float | Tensor | None
    n_iter: int
    tol: float
    update: DataUpdate = "auto"
    alpha_decay: float = 1.0
    kappa_growth: float = 1.0
    rescale: bool = False
    average: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.kappa < math.inf:
            raise ValueError(f"kappa must be positive, got {self.kappa}")
        if isinstance(self.epsilon, float | int) and not 0 <= self.epsilon < math.inf:
            raise ValueError(f"epsilon must be at least 0, got {self.epsilon}")
        for name in ("alpha_decay", "kappa_growth"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


def constrained_start(
    s: Tensor, a_s: Tensor, memory: Tensor, n_axes: int, *, average: bool = False
) -> ConstrainedState:
    """u1 = s, u2 = A s, duals zero: the first s-update changes nothing."""
    number = torch.zeros(s.shape[: s.ndim - n_axes], dtype=torch.float64, device=s.device)
    return ConstrainedState(
        s=s,
        mean=torch.zeros_like(s) if average else s.new_zeros(0),
        u1=s,
        d1=torch.zeros_like(s),
        a_s=a_s,
        u2=a_s,
        d2=torch.zeros_like(a_s),
        memory=memory,
        change=number + math.inf,
        steps=number,
    )


def constrained_step(
    state: ConstrainedState,
    *,
    y: Tensor,
    epsilon: Tensor | None,
    peak: Tensor,
    data_step: DataStep,
    denoise: MagnitudeDenoiser,
    numbers: AdmmNumbers,
    n_axes: int,
) -> ConstrainedState:
    """One iteration; items whose magnitude changed by less than ``tol`` in the last one stay as they are, and
    cost nothing.

        s  <- argmin kappa ||s - (u1 + d1)||^2 + ||A s - (u2 + d2)||^2
        u1 <- peak D(|s - d1| / peak) exp(i arg(s - d1))
        u2 <- y + q min(1, epsilon / ||q||),  q = A s - d2 - y;   without a constraint y, and d2 = 0
        d1 <- d1 - (s - u1),   d2 <- d2 - (A s - u2)

    Continuation by a = ``alpha_decay`` and k = ``kappa_growth``: alpha is a weight over the penalty of
    u1 = s, so a smaller one at the same weight is a penalty a times as high, and that of u2 = A s is a / k
    times as high. Unscaled multipliers stay what they are: d1 <- d1 / a, d2 <- d2 k / a.

    Args:
        epsilon, peak: (*batch,).

    Source: Afonso, Bioucas-Dias & Figueiredo, IEEE Trans. Image Process. 20:681 (2011), C-SALSA, with the
    prior on the magnitude of Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), whose code changes
    kappa without rescaling the duals. The first step is skipped by the stopping rule: it leaves s as it was.
    """
    running = state.change >= numbers.tol
    if not running.any():
        return state
    step = partial(_step, data_step=data_step, denoise=denoise, numbers=numbers, n_axes=n_axes)
    if running.all():
        return step(state, y, epsilon, peak)
    part = ConstrainedState(*(_of(running, tensor) for tensor in state))
    limit = None if epsilon is None else epsilon[running]
    moved = step(part, y[running], limit, peak[running])
    return ConstrainedState(*(_into(running, new, old) for new, old in zip(moved, state, strict=True)))


def _step(
    state: ConstrainedState,
    y: Tensor,
    epsilon: Tensor | None,
    peak: Tensor,
    data_step: DataStep,
    denoise: MagnitudeDenoiser,
    numbers: AdmmNumbers,
    n_axes: int,
) -> ConstrainedState:
    done = float(state.steps.max())
    kappa = numbers.kappa * numbers.kappa_growth**done
    s, a_s = data_step(state.u1 + state.d1, state.u2 + state.d2, state.s, kappa)
    moved = s - state.d1
    top = moved.abs().amax(tuple(range(-n_axes, 0))) if numbers.rescale else peak
    unit = over_image(torch.where(top > 0, top, 1.0), s)
    memory = state.memory

    def scaled(magnitude: Tensor) -> Tensor:
        nonlocal memory
        denoised, memory = denoise(magnitude / unit, memory, numbers.alpha_decay**-done)
        return denoised * unit

    u1 = magnitude_prox(moved, scaled)
    u2 = y if epsilon is None else project_ball(a_s - state.d2, y, epsilon)
    d2 = torch.zeros_like(a_s) if epsilon is None else state.d2 - (a_s - u2)
    change = _magnitude_change(s, state.s, n_axes)
    steps = state.steps + 1
    return ConstrainedState(
        s=s,
        mean=state.mean + (s - state.mean) / over_image(steps, s) if numbers.average else state.mean,
        u1=u1,
        d1=(state.d1 - (s - u1)) / numbers.alpha_decay,
        a_s=a_s,
        u2=u2.expand_as(a_s),
        d2=d2 * (numbers.kappa_growth / numbers.alpha_decay),
        memory=memory,
        change=torch.where(state.steps == 0, 1.0, change),
        steps=steps,
    )


def _of(running: Tensor, tensor: Tensor) -> Tensor:
    """The items that run; all of what has no batch axes."""
    return tensor[running] if tensor.shape[: running.ndim] == running.shape else tensor


def _into(running: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """``new`` for the items that run, ``old`` for those that have stopped."""
    if old.shape[: running.ndim] != running.shape:
        return new
    joined = old.clone()
    joined[running] = new
    return joined


def project_ball(z: Tensor, y: Tensor, epsilon: Tensor) -> Tensor:
    """The nearest to z with ||z - y|| <= epsilon: y + q min(1, epsilon / ||q||), q = z - y, per item.

    z, y: (*batch, *range).  epsilon: float64 (*batch,), >= 0.
    """
    q = z - y
    norm = squared_norm(q, q.ndim - epsilon.ndim).sqrt()
    outside = norm > epsilon
    moved = y + over_image(torch.where(outside, epsilon / norm, 1.0), q) * q
    return torch.where(outside.reshape(outside.shape + (1,) * (z.ndim - outside.ndim)), moved, z)


def _magnitude_change(s: Tensor, previous: Tensor, n_axes: int) -> Tensor:
    before = previous.abs()
    change, norm = squared_norm(s.abs() - before, n_axes).sqrt(), squared_norm(before, n_axes).sqrt()
    return torch.where(change == 0, 0.0, change / norm)
