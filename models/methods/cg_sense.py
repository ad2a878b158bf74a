"""Regularised least squares by conjugate gradients."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.conjugate_gradient import CGState, cg_start, cg_step
from proxflow.models.solvers.inner_product import inner, scalars, squared_norm
from proxflow.models.solvers.iteration import (
    Checkpoint,
    Measure,
    Monitor,
    iterate,
    relative_change,
)
from proxflow.operators.base import LinearOperator


def cg_sense(
    operator: LinearOperator,
    y: Tensor,
    *,
    n_iter: int = 30,
    lam: float = 1e-3,
    tol: float = 1e-4,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = argmin 1/2 ||A x - y||^2 + lam/2 ||x||^2, by CG on (A^H A + lam I) x = A^H y from x = 0.

    Args:
        y: (*batch, *range), zero where nothing was sampled, scaled so that max |A^H y| = 1.
        lam: Tikhonov weight in that scale, >= 0. With 0, ``n_iter`` alone regularises.

    One ``operator.normal`` per iteration: with r = b - (N + lam) x, b = A^H y and N = A^H A,
    ||A x - y||^2 = ||y||^2 - Re<x, b> - Re<x, r> - lam ||x||^2 needs none beyond. In complex64 the
    cancellation leaves the residual with about three digits where it is 1 % of ||y||.

    Raises ValueError if lam < 0, DivergenceError on NaN or infinity.
    Source: Pruessmann et al., Magn. Reson. Med. 46:638 (2001), CG-SENSE; theirs has no lam and weights
    by sampling density and coil intensity, which a Cartesian grid and normalised maps do not need.
    """
    if not lam >= 0:
        raise ValueError(f"lam must be at least 0, got {lam}")
    n_axes = len(operator.domain_shape)
    b = operator.adjoint(y)
    y_norm = squared_norm(y, y.ndim)

    def matrix(x: Tensor) -> Tensor:
        return operator.normal(x) + lam * x if lam else operator.normal(x)

    def measure(state: CGState) -> Measure:
        xbr, xx, change, yy = scalars(
            inner(state.x, b + state.r, n_axes), squared_norm(state.x, n_axes), state.change, y_norm
        )
        misfit = max(yy - xbr - lam * xx, 0.0)  # rounding may dip below 0; nan stays nan in this order
        objective = 0.5 * (misfit + lam * xx)
        return objective, relative_change(change**0.5, xx**0.5), relative_change(misfit**0.5, yy**0.5)

    state, trace = iterate(
        cg_start(b, n_axes),
        lambda state: cg_step(state, matrix=matrix, n_axes=n_axes),
        n_iter=n_iter,
        tol=tol,
        measure=measure,
        image=lambda state: state.x,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.x, trace)
