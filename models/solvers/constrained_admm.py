"""min R(|s|) subject to ||A s - y|| <= epsilon, by ADMM with a ball constraint (C-SALSA)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from proxflow.models.priors.magnitude_prox import magnitude_prox
from proxflow.models.solvers.conjugate_gradient import conjugate_gradient
from proxflow.models.solvers.inner_product import over_image, scalars, squared_norm
from proxflow.models.solvers.iteration import (
    Checkpoint,
    Iteration,
    Measure,
    Monitor,
    iterate,
    relative_change,
)
from proxflow.operators.base import LinearOperator
from proxflow.operators.woodbury import Woodbury, has_gram

CG_STEPS, CG_TOLERANCE = 5, 1e-5
WOODBURY_MEASUREMENTS = 4096  # most, for memory's sake
# Measurements per iteration up to which the Gram matrix costs less than the products of CG that it saves:
# made from the operator's structure (measured: its large products run at twice the rate), and by applications
WOODBURY_STRUCTURED, WOODBURY_APPLIED = 40, 6

DataStep = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""(v, w, start) -> s = argmin kappa ||s - v||^2 + ||A s - w||^2 and A s."""


class MagnitudeDenoiser(Protocol):
    def __call__(self, magnitude: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The denoised magnitude, of items with a peak of about 1, and the memory for next time.

        ``memory`` is what an inner solver starts from; a closed form or a network returns it as it came.
        """
        ...


class ConstrainedState(NamedTuple):
    """Image, copies and scaled duals; ``change`` is per item, float64 (*batch)."""

    s: Tensor  # (*batch, *domain)
    u1: Tensor  # copy of s that the prior acts on
    d1: Tensor  # scaled dual of u1 = s, minus Boyd's
    a_s: Tensor  # A s, (*batch, *range)
    u2: Tensor  # copy of A s in the ball
    d2: Tensor  # scaled dual of u2 = A s
    memory: Tensor  # what the denoiser keeps between calls
    change: Tensor  # ||  |s| - |s_previous|  || / || |s_previous| ||
    steps: Tensor  # float64 (*batch), steps taken


def constrained_start(s: Tensor, a_s: Tensor, memory: Tensor, n_axes: int) -> ConstrainedState:
    """u1 = s, u2 = A s, duals zero: the first s-update changes nothing."""
    batch = s.shape[: s.ndim - n_axes]
    number = torch.zeros(batch, dtype=torch.float64, device=s.device)
    return ConstrainedState(
        s, s, torch.zeros_like(s), a_s, a_s, torch.zeros_like(a_s), memory, number + math.inf, number
    )


def constrained_step(
    state: ConstrainedState,
    *,
    y: Tensor,
    epsilon: Tensor,
    peak: Tensor,
    data_step: DataStep,
    denoise: MagnitudeDenoiser,
    tol: float,
    n_axes: int,
) -> ConstrainedState:
    """One iteration; items whose magnitude changed by less than ``tol`` in the last one stay as they are.

        s  <- argmin kappa ||s - (u1 + d1)||^2 + ||A s - (u2 + d2)||^2
        u1 <- peak D(|s - d1| / peak) exp(i arg(s - d1))
        u2 <- y + q min(1, epsilon / ||q||),  q = A s - d2 - y
        d1 <- d1 - (s - u1),   d2 <- d2 - (A s - u2)

    Args:
        epsilon, peak: (*batch,).

    Source: Afonso, Bioucas-Dias & Figueiredo, IEEE Trans. Image Process. 20:681 (2011), C-SALSA, with the
    prior on the magnitude of Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024). The first step is
    skipped by the stopping rule: it leaves s as it was.
    """
    s, a_s = data_step(state.u1 + state.d1, state.u2 + state.d2, state.s)
    unit = over_image(torch.where(peak > 0, peak, 1.0), s)
    memory = state.memory

    def scaled(magnitude: Tensor) -> Tensor:
        nonlocal memory
        denoised, memory = denoise(magnitude / unit, memory)
        return denoised * unit

    u1 = magnitude_prox(s - state.d1, scaled)
    u2 = project_ball(a_s - state.d2, y, epsilon)
    change = _magnitude_change(s, state.s, n_axes)
    new = ConstrainedState(
        s=s,
        u1=u1,
        d1=state.d1 - (s - u1),
        a_s=a_s,
        u2=u2,
        d2=state.d2 - (a_s - u2),
        memory=memory,
        change=torch.where(state.steps == 0, 1.0, change),
        steps=state.steps + 1,
    )
    running = state.change >= tol
    if running.all():
        return new
    return ConstrainedState(
        *(
            torch.where(running.reshape(running.shape + (1,) * (part.ndim - running.ndim)), part, old)
            if part.shape[: running.ndim] == running.shape
            else part
            for part, old in zip(new, state, strict=True)
        )
    )


def project_ball(z: Tensor, y: Tensor, epsilon: Tensor) -> Tensor:
    """The nearest to z with ||z - y|| <= epsilon: y + q min(1, epsilon / ||q||), q = z - y, per item.

    z, y: (*batch, *range).  epsilon: float64 (*batch,), >= 0.
    """
    q = z - y
    norm = squared_norm(q, q.ndim - epsilon.ndim).sqrt()
    outside = norm > epsilon
    moved = y + over_image(torch.where(outside, epsilon / norm, 1.0), q) * q
    return torch.where(outside.reshape(outside.shape + (1,) * (z.ndim - outside.ndim)), moved, z)


def data_step(operator: LinearOperator, y: Tensor, kappa: float, n_iter: int) -> DataStep:
    """The s-update: Woodbury for few measurements, else 5 steps of CG from the last s.

    Both meet the same system; the first exactly. Which is cheaper grows with ``n_iter``.
    """
    n_axes = len(operator.domain_shape)
    size = math.prod(operator.range_shape)
    worth = WOODBURY_STRUCTURED if has_gram(operator) else WOODBURY_APPLIED
    if size <= min(WOODBURY_MEASUREMENTS, worth * n_iter):
        exact = Woodbury(operator, kappa, dtype=y.dtype, device=y.device)
        return lambda v, w, start: exact.nearest(v, w)

    def by_cg(v: Tensor, w: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        s = conjugate_gradient(
            lambda x: operator.normal(x) + kappa * x,
            kappa * v + operator.adjoint(w),
            n_axes=n_axes,
            n_iter=CG_STEPS,
            tol=CG_TOLERANCE,
            x0=start,
        )
        return s, operator.forward(s)

    return by_cg


def constrained_admm(
    operator: LinearOperator,
    y: Tensor,
    denoise: MagnitudeDenoiser,
    memory: Tensor,
    *,
    kappa: float,
    epsilon: float,
    n_iter: int,
    tol: float,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> tuple[Tensor, list[Iteration]]:
    """s of min R(|s|) subject to ||A s - y|| <= epsilon ||y||, and one report per iteration.

    Starts from the Tikhonov image s = argmin kappa ||s||^2 + ||A s - y||^2, whose peak, per item, is the
    unit in which ``denoise`` sees magnitudes: a peak of about 1, whatever the gain of A and y.

    Args:
        kappa: ratio of the penalties of u1 = s and u2 = A s, in the unit of ||A||^2.
        epsilon: noise norm over data norm, >= 0.
        memory: of ``denoise`` at the start; its batch axes, where it has any, are y's.

    The reported relative change is the greatest of the items', of magnitudes; the objective is nan.
    Raises ValueError if kappa <= 0 or epsilon < 0, DivergenceError on NaN or infinity.
    """
    if not 0 < kappa < math.inf:
        raise ValueError(f"kappa must be positive, got {kappa}")
    if not 0 <= epsilon < math.inf:
        raise ValueError(f"epsilon must be at least 0, got {epsilon}")
    n_axes, n_range = len(operator.domain_shape), len(operator.range_shape)
    update = data_step(operator, y, kappa, n_iter)
    zero = y.new_zeros((*y.shape[: y.ndim - n_range], *operator.domain_shape))
    s, a_s = update(zero, y, zero)
    norms = squared_norm(y, n_range).sqrt()
    peak = s.abs().amax(tuple(range(-n_axes, 0))).double()

    def measure(state: ConstrainedState) -> Measure:
        misfit, yy = scalars(squared_norm(state.a_s - y, n_range), norms.square())
        return math.nan, float(state.change.max()), relative_change(misfit**0.5, yy**0.5)

    state, trace = iterate(
        constrained_start(s, a_s, memory, n_axes),
        lambda state: constrained_step(
            state,
            y=y,
            epsilon=epsilon * norms,
            peak=peak,
            data_step=update,
            denoise=denoise,
            tol=tol,
            n_axes=n_axes,
        ),
        n_iter=n_iter,
        tol=tol,
        measure=measure,
        image=lambda state: state.s,
        monitor=monitor,
        resume=resume,
    )
    return state.s, trace


def _magnitude_change(s: Tensor, previous: Tensor, n_axes: int) -> Tensor:
    before = previous.abs()
    change, norm = squared_norm(s.abs() - before, n_axes).sqrt(), squared_norm(before, n_axes).sqrt()
    return torch.where(change == 0, 0.0, change / norm)
