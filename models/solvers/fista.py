"""Accelerated proximal gradient for 1/2 ||A x - y||^2 + g(x)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from proxflow.models.solvers.inner_product import inner, over_image, scalars, squared_norm
from proxflow.models.solvers.iteration import Measure, relative_change

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
    change: Tensor  # ||x_k - x_{k-1}||^2


def fista_start(b: Tensor, n_axes: int, memory: Tensor) -> FISTAState:
    """The state before the first step: x = 0, which needs no application of N, and g(0) = 0."""
    zero = torch.zeros_like(b)
    number = torch.zeros(b.shape[: b.ndim - n_axes], dtype=torch.float64, device=b.device)
    return FISTAState(zero, zero, zero, zero, number + 1, memory, number, number)


def fista_step(
    state: FISTAState, *, normal: Map, b: Tensor, prox: Prox, lipschitz: float, n_axes: int
) -> FISTAState:
    """One iteration, one application of N = A^H A, with b = A^H y and L = ``lipschitz`` >= ||N||:

        x_k = prox_{g/L}(z - (N z - b) / L)
        t = 1 where Re<z - x_k, x_k - x_{k-1}> > 0   (restart: momentum points uphill)
        t_new = (1 + sqrt(1 + 4 t^2)) / 2,   beta = (t - 1) / t_new
        z_new = x_k + beta (x_k - x_{k-1}),   N z_new = N x_k + beta (N x_k - N x_{k-1})

    N z by linearity is what keeps an iteration at one application with the objective at hand; N x is
    computed afresh each time, so its rounding does not build up.

    Source: Beck & Teboulle, SIAM J. Imaging Sci. 2:183 (2009). We add the gradient scheme of adaptive
    restart, O'Donoghue & Candes, Found. Comput. Math. 15:715 (2015), per item.
    """
    v = torch.add(state.z, state.nz - b, alpha=-1 / lipschitz)
    x, penalty, memory = prox(v, 1 / lipschitz, state.memory)
    nx = normal(x)
    step = x - state.x
    uphill = inner(state.z - x, step, n_axes) > 0
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
        change=squared_norm(step, n_axes),
    )


def fista_measure(state: FISTAState, *, b: Tensor, y_norm: Tensor, n_axes: int) -> Measure:
    """1/2 ||A x - y||^2 + g(x), relative change and ||A x - y|| / ||y||, with no application of A:

    ||A x - y||^2 = ||y||^2 - 2 Re<x, b> + Re<x, N x>; ``y_norm`` is ||y||^2. In complex64 the cancellation
    leaves the residual with about three digits where it is 1 % of ||y||.
    """
    cross, penalty, xx, change, yy = scalars(
        inner(state.x, state.nx - 2 * b, n_axes),
        state.penalty,
        squared_norm(state.x, n_axes),
        state.change,
        y_norm,
    )
    misfit = max(yy + cross, 0.0)  # rounding may dip below 0; nan stays nan in this order
    objective = 0.5 * misfit + penalty
    return objective, relative_change(change**0.5, xx**0.5), relative_change(misfit**0.5, yy**0.5)
