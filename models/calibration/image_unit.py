"""The unit in which diffusion priors see images, found in images and in measurements."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from proxflow.models.solvers.conjugate_gradient import cg_steps
from proxflow.operators.base import LinearOperator

BRIGHT = 0.995  # quantile of the magnitudes: a few bright voxels, vessels or metal, do not decide
STEPS, RIDGE = 10, 1e-3  # of conjugate gradients, which is as far as noise stays low; relative to ||A||^2


def bright(image: Tensor, n_axes: int) -> Tensor:
    """The 0.995 quantile of |x| over the last ``n_axes`` axes, float64 (*batch); 1 where it is 0."""
    values = image.abs().flatten(image.ndim - n_axes).double()
    rank = max(int(BRIGHT * values.shape[-1] + 0.5), 1)
    found = values.kthvalue(rank, dim=-1).values
    return torch.where(found > 0, found, 1.0)


def image_unit(operator: LinearOperator, b: Tensor) -> Tensor:
    """``bright`` of ``first_image``.

    Training images are divided by their own ``bright``, so that a prior meets here what it was trained on.
    """
    return bright(first_image(operator, b), len(operator.domain_shape))


def units_of(unit: Tensor | float | None, yy: Tensor, found: Callable[[], Tensor]) -> Tensor:
    """``unit``, one number or one per item, or what ``found`` tells if it is None: float64 (*batch)."""
    if unit is None:
        return found()
    return torch.as_tensor(unit, dtype=torch.float64).to(yy.device).expand(yy.shape)


def first_image(operator: LinearOperator, b: Tensor) -> Tensor:
    """Ten conjugate gradient steps on (A^H A + 1e-3 I) x = A^H y, ||A|| = 1; b = A^H y, (*batch, *domain)."""
    n_axes = len(operator.domain_shape)

    def matrix(v: Tensor) -> Tensor:
        return operator.normal(v) + RIDGE * v

    return cg_steps(matrix, b, n_axes=n_axes, n_iter=STEPS).x
