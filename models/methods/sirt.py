"""Simultaneous iterative reconstruction."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import inner, scalars, squared_norm
from proxflow.models.solvers.iteration import (
    Checkpoint,
    Measure,
    Monitor,
    iterate,
    relative_change,
)
from proxflow.operators.base import LinearOperator


class SIRTState(NamedTuple):
    """The image and what is measured of it; the number per item is float64 (*batch)."""

    x: Tensor  # (*batch, *domain)
    ax: Tensor  # A x
    change: Tensor  # ||x_k - x_{k-1}||^2


def sirt(
    operator: LinearOperator,
    y: Tensor,
    *,
    n_iter: int = 100,
    relaxation: float = 1.0,
    nonnegative: bool = False,
    tol: float = 0.0,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x <- P(x + relaxation C A^H R (y - A x)) from x = 0, with R = 1 / (A 1) and C = 1 / (A^H 1).

    R and C are 0 where a ray meets no pixel, or a pixel no ray. The objective is 1/2 ||y - A x||_R^2, whose
    least value the iteration approaches, that of least C^-1-norm; stopping early (``n_iter``) regularises.

    Args:
        operator: of weights that are not negative, as a projector's: sums of rows and columns stand for
            those of magnitudes.
        y: (*batch, *range).
        relaxation: in (0, 2), for ||C^1/2 A^H R A C^1/2|| <= 1.
        nonnegative: P sets negative pixels to 0 (of a complex image, whose real part it keeps); without it
            P changes nothing.

    One forward and one adjoint per iteration, and one of each before the first. A factor on A and y changes
    nothing in the image.
    Raises ValueError if relaxation is not in (0, 2), or a sum of a row or column is negative;
    DivergenceError on NaN or infinity.
    Source: Gilbert, J. Theor. Biol. 36:105 (1972); the weights of van der Sluis & van der Vorst, Linear
    Algebra Appl. 130:257 (1990), which are ASTRA's.
    """
    if not 0 < relaxation < 2:
        raise ValueError(f"relaxation must be in (0, 2), got {relaxation}")
    n_domain, n_range = len(operator.domain_shape), len(operator.range_shape)
    rows = _reciprocal("A 1", operator.forward(y.new_ones(operator.domain_shape)))
    columns = relaxation * _reciprocal("A^H 1", operator.adjoint(y.new_ones(operator.range_shape)))
    y_norm = squared_norm(y, y.ndim)

    def step(state: SIRTState) -> SIRTState:
        x = state.x + columns * operator.adjoint(rows * (y - state.ax))
        if nonnegative:
            x = x.real.clamp_min(0).to(x.dtype)
        return SIRTState(x, operator.forward(x), squared_norm(x - state.x, n_domain))

    def measure(state: SIRTState) -> Measure:
        residual = y - state.ax
        weighted, misfit, change, xx, yy = scalars(
            inner(residual, rows * residual, n_range),
            squared_norm(residual, n_range),
            state.change,
            squared_norm(state.x, n_domain),
            y_norm,
        )
        change, residual_norm = relative_change(change**0.5, xx**0.5), relative_change(misfit**0.5, yy**0.5)
        return 0.5 * weighted, change, residual_norm

    x = y.new_zeros((*y.shape[: y.ndim - n_range], *operator.domain_shape))
    state, trace = iterate(
        SIRTState(x, torch.zeros_like(y), torch.zeros_like(squared_norm(x, n_domain))),
        step,
        n_iter=n_iter,
        tol=tol,
        measure=measure,
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)


def _reciprocal(name: str, sums: Tensor) -> Tensor:
    """1 / sums, 0 where a sum is no more than the rounding of the largest."""
    sums = sums.real
    empty = torch.finfo(sums.dtype).eps * sums.abs().max()
    if sums.min() < -empty:
        raise ValueError(f"{name} must not be negative, got {sums.min().item():.4g}")
    return torch.where(sums > empty, 1 / sums, 0)
