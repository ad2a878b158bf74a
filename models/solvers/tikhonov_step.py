"""Least squares near an image, from a warm start."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from proxflow.models.solvers.conjugate_gradient import Map, cg_steps


class Near(NamedTuple):
    """x, and A^H A x, from which its misfit follows for free."""

    x: Tensor
    normal: Tensor


def tikhonov_step(
    normal: Map, b: Tensor, z: Tensor, rho: float, *, x0: Tensor, n_axes: int, n_cg: int
) -> Near:
    """x = argmin 1/2 ||A x - y||^2 + rho/2 ||x - z||^2, by ``n_cg`` steps from x0 on

        (A^H A + rho I) x = A^H y + rho z

    An x0 that solves it stays: iterations of z and x have the fixed points of the exact step, whatever n_cg.

    b: A^H y; b, z, x0: (*batch, *domain).
    """
    right = b + rho * z

    def matrix(v: Tensor) -> Tensor:
        return normal(v) + rho * v

    found = cg_steps(matrix, right, n_axes=n_axes, n_iter=n_cg, x0=x0)
    return Near(found.x, right - found.r - rho * found.x)
