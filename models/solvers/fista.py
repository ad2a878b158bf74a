"""Accelerated proximal gradient for 1/2 ||A x - y||^2 + g(x)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from proxflow.models.solvers.inner_product import inner, over_image, scalars, squared_norm
from proxflow.models.solvers.iteration import (
    Checkpoint,
    Iteration,
    Measure,
    Monitor,
    iterate,
    relative_change,
)

Map = Callable[[Tensor], Tensor]


class Prox(Protocol):
    def __call__(self, v: Tensor, step: float, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x = argmin_x 1/2 ||x - v||^2 + step g(x); return x, g(x) per item, and the memory for next time.

        ``memory`` is what an inner solver starts from (a dual variable); a closed form returns it as it came.
        """
        ...


class FISTAState(NamedTuple):
    """Iterate, extrapolated point and their images under N = A^H A; per-item numbers are float64 (*batch)."""

    x: Tensor  # (*batch, *domain)
    nx: Tensor  # N x
    z: Tensor  # extrapolated point
    nz: Tensor  # N z
    t: Tensor  # momentum
    memory: Tensor  # what the proximal map keeps between calls
    penalty: Tensor  # g(x)
    energy: Tensor  # 1/2 <x, N x> - Re<x, b> + g(x), the objective less 1/2 ||y||^2
    change: Tensor  # ||x_k - x_{k-1}||^2 over the pixels that A sees


def fista_start(b: Tensor, n_axes: int, memory: Tensor) -> FISTAState:
    """The state before the first step: x = 0, which needs no application of N, and g(0) = 0."""
    zero = torch.zeros_like(b)
    number = torch.zeros(b.shape[: b.ndim - n_axes], dtype=torch.float64, device=b.device)
    return FISTAState(zero, zero, zero, zero, number + 1, memory, number, number, number)


def fista_step(
    state: FISTAState,
    *,
    normal: Map,
    b: Tensor,
    prox: Prox,
    lipschitz: float,
    n_axes: int,
    support: Tensor | None = None,
) -> FISTAState:
    """One iteration, one application of N = A^H A, with b = A^H y and L = ``lipschitz`` >= ||N||:

        x_k = prox_{g/L}(z - (N z - b) / L)
        t = 1 where Re<z - x_k, x_k - x_{k-1}> > 0 or the objective has risen   (restart)
        t_new = (1 + sqrt(1 + 4 t^2)) / 2,   beta = (t - 1) / t_new
        z_new = x_k + beta (x_k - x_{k-1}),   N z_new = N x_k + beta (N x_k - N x_{k-1})

    N z by linearity is what keeps an iteration at one application with the objective at hand; N x is
    computed afresh each time, so its rounding does not build up.

    Source: Beck & Teboulle, SIAM J. Imaging Sci. 2:183 (2009). We add both schemes of adaptive restart,
    gradient and function, of O'Donoghue & Candes, Found. Comput. Math. 15:715 (2015), per item. An inexact
    proximal map needs the second: momentum adds its errors up, until the objective rises and stays high.
    """
    v = torch.add(state.z, state.nz - b, alpha=-1 / lipschitz)
    x, penalty, memory = prox(v, 1 / lipschitz, state.memory)
    nx = normal(x)
    step = x - state.x
    energy = 0.5 * inner(x, nx - 2 * b, n_axes) + penalty
    uphill = (inner(state.z - x, step, n_axes) > 0) | (energy > state.energy)
    t = torch.where(uphill, 1.0, state.t)
    t_new = (1 + torch.sqrt(1 + 4 * t**2)) / 2
    beta = over_image((t - 1) / t_new, x)
    return FISTAState(
        x=x,
        nx=nx,
        z=x + beta * step,
        nz=nx + beta * (nx - state.nx),
        t=t_new,
        memory=memory,
        penalty=penalty,
        energy=energy,
        change=squared_norm(_seen(step, support), n_axes),
    )


def fista_measure(
    state: FISTAState, *, y_norm: Tensor, n_axes: int, support: Tensor | None = None
) -> Measure:
    """1/2 ||A x - y||^2 + g(x), relative change and ||A x - y|| / ||y||, with no application of A:

    ||A x - y||^2 = ||y||^2 - 2 Re<x, b> + Re<x, N x>; ``y_norm`` is ||y||^2. In complex64 the cancellation
    leaves the residual with about three digits where it is 1 % of ||y||.
    """
    energy, penalty, xx, change, yy = scalars(
        state.energy, state.penalty, squared_norm(_seen(state.x, support), n_axes), state.change, y_norm
    )
    misfit = max(yy + 2 * (energy - penalty), 0.0)  # rounding may dip below 0; nan stays nan in this order
    objective = 0.5 * misfit + penalty
    return objective, relative_change(change**0.5, xx**0.5), relative_change(misfit**0.5, yy**0.5)


def _seen(x: Tensor, support: Tensor | None) -> Tensor:
    return x if support is None else x * support


def fista(
    normal: Map,
    b: Tensor,
    y_norm: Tensor,
    prox: Prox,
    memory: Tensor,
    *,
    n_axes: int,
    lipschitz: float,
    n_iter: int,
    tol: float,
    support: Tensor | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> tuple[Tensor, list[Iteration]]:
    """x = argmin 1/2 ||A x - y||^2 + g(x) from x = 0, and one report per iteration.

    Pixels outside ``support``, which A does not see, are filled in by g alone, slowly and to no use: they do
    not count in the relative change, and are zero in the image returned.

    Args:
        normal: N = A^H A.
        b: A^H y, (*batch, *domain) with ``n_axes`` axes of domain; y_norm: ||y||^2.
        prox, memory: the proximal map of g and what it first starts from.
        lipschitz: an upper bound of ||N||.

    Raises ValueError if lipschitz <= 0; DivergenceError on NaN or infinity, or where ``lipschitz`` is so
    low that the objective grows.
    """
    if not lipschitz > 0:
        raise ValueError(f"lipschitz must be positive, got {lipschitz}")
    step = partial(fista_step, normal=normal, b=b, prox=prox, lipschitz=lipschitz)
    state, trace = iterate(
        fista_start(b, n_axes, memory),
        partial(step, n_axes=n_axes, support=support),
        n_iter=n_iter,
        tol=tol,
        measure=partial(fista_measure, y_norm=y_norm, n_axes=n_axes, support=support),
        image=lambda state: _seen(state.x, support),
        monitor=monitor,
        resume=resume,
    )
    return _seen(state.x, support), trace
