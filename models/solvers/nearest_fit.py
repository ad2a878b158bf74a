"""The image nearest to a given one that fits the measurements."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.solvers.tikhonov_step import tikhonov_step
from proxflow.operators.base import LinearOperator


def nearest_fit(
    operator: LinearOperator, b: Tensor, x: Tensor, *, mu: float = 0.0, n_iter: int = 30, tol: float = 1e-13
) -> Tensor:
    """z = argmin ||A z - y||^2 + mu ||z - x||^2, by conjugate gradients from x on (``tikhonov_step``)

        (A^H A + mu I) z = A^H y + mu x

    With mu = 0 the projection of x onto the images that fit y best, as what A does not see stays that of x:
    idempotent, and no farther from any of them than x is. Of one coil on a Cartesian grid, with a map of
    modulus 1, A^H A is a projection and the first step is there: z = x + A^H (y - A x), x with its sampled
    k-space replaced.
    Otherwise ``n_iter`` steps, fewer than it takes with noise, or a mu > 0, keep noise from being fitted.

    Args:
        operator: ``normal`` is all that is used of it; mu has the unit of the square of its norm.
        b: A^H y; b and x (*batch, *domain).
        tol: of the residual, relative to its first.

    Raises ValueError if mu < 0 or n_iter < 1.
    """
    if not mu >= 0:
        raise ValueError(f"mu must be at least 0, got {mu}")
    if n_iter < 1:
        raise ValueError(f"n_iter must be at least 1, got {n_iter}")
    n_axes = len(operator.domain_shape)
    return tikhonov_step(operator.normal, b, x, mu, x0=x, n_axes=n_axes, n_cg=n_iter, residual_tol=tol).x
