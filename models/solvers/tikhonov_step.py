"""Least squares near an image, from a warm start."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.solvers.conjugate_gradient import Map, cg_steps


class Near(NamedTuple):
    """x, and A^H A x, from which its misfit follows for free."""

    x: Tensor
    normal: Tensor


def tikhonov_step(
    normal: Map,
    b: Tensor,
    z: Tensor,
    rho: float,
    *,
    x0: Tensor,
    n_axes: int,
    n_cg: int,
    residual_tol: float = 0.0,
) -> Near:
    """x = argmin 1/2 ||A x - y||^2 + rho/2 ||x - z||^2, by ``n_cg`` steps from x0 on

        (A^H A + rho I) x = A^H y + rho z

    An x0 that solves it stays: iterations of z and x have the fixed points of the exact step, whatever n_cg.

    With rho = 0 z plays no part, and the image stays near x0 for as long as the steps are few.

    b: A^H y; b, z, x0: (*batch, *domain).  residual_tol: as of ``cg_steps``.
    """
    right = torch.add(b, z, alpha=rho) if rho else b

    def matrix(v: Tensor) -> Tensor:
        return torch.add(normal(v), v, alpha=rho) if rho else normal(v)

    found = cg_steps(matrix, right, n_axes=n_axes, n_iter=n_cg, x0=x0, residual_tol=residual_tol)
    rest = right - found.r
    return Near(found.x, torch.sub(rest, found.x, alpha=rho) if rho else rest)
