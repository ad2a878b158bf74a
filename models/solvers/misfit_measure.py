"""What iterations without an objective report."""

from __future__ import annotations

import math

from torch import Tensor

from proxflow.models.solvers.inner_product import inner, scalars, squared_norm
from proxflow.models.solvers.iteration import Measure, relative_change


def misfit_measure(x: Tensor, normal: Tensor, change: Tensor, b: Tensor, yy: Tensor, n_axes: int) -> Measure:
    """No objective, the relative change, and ||A x - y|| / ||y|| by ``squared_misfit``.

    x: (*batch, *domain). normal: A^H A x. change: ||x_k - x_{k-1}||^2, float64 (*batch). b: A^H y. yy:
    ||y||^2, float64 (*batch).
    """
    misfit = squared_misfit(x, normal, b, yy, n_axes)
    left, norm, moved, size = scalars(misfit, yy, change, squared_norm(x, n_axes))
    return math.nan, relative_change(moved**0.5, size**0.5), relative_change(left**0.5, norm**0.5)


def squared_misfit(x: Tensor, normal: Tensor, b: Tensor, yy: Tensor, n_axes: int) -> Tensor:
    """||A x - y||^2 = ||y||^2 + Re<x, A^H A x - 2 A^H y>, per item, not below 0; ``normal``: A^H A x.

    It needs no application of A; in complex64 its root has three digits where it is 1 % of ||y||.
    """
    return (yy + inner(x, normal - 2 * b, n_axes)).clamp_min(0)
