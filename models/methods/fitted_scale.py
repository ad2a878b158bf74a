"""The scale of an image whose method has none of its own."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.solvers.inner_product import over_image, squared_norm
from proxflow.operators.base import LinearOperator


def fit_scale(operator: LinearOperator, y: Tensor, image: Tensor) -> Tensor:
    """c image with c = <A image, y> / ||A image||^2 per item: the multiple that explains y best.

    y: complex (*batch, *range).  image: complex (*batch, *domain). One forward. An image that A maps to zero
    is returned as it is.
    """
    seen = operator.forward(image)
    n_axes = len(operator.range_shape)
    product = (seen.conj() * y).sum(tuple(range(-n_axes, 0)), dtype=torch.complex128)
    norm = squared_norm(seen, n_axes)
    scale = torch.where(norm == 0, 1.0, product / norm)
    return image * torch.complex(over_image(scale.real, image), over_image(scale.imag, image))
