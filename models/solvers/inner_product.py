"""Per-item inner products in double precision, and their way to and from Python numbers and images."""

from __future__ import annotations

import torch
from torch import Tensor


def inner(a: Tensor, b: Tensor, n_axes: int) -> Tensor:
    """Re <a, b> = sum Re(conj(a) b) over the last ``n_axes`` axes: float64, the batch axes remain.

    a, b: real or complex, of one dtype and shape. Products are formed in that dtype and summed in
    float64: an objective assembled as ||y||^2 - 2 Re<x, b> + <x, N x> cancels several digits.

    Axis by axis: a sum to one number is split over threads, and would be rounded by their number.
    """
    if a.is_complex():
        a, b = torch.view_as_real(a).flatten(-2), torch.view_as_real(b).flatten(-2)
    products = a * b
    for _ in range(n_axes):
        products = products.sum(dim=-1, dtype=torch.float64)
    return products


def squared_norm(a: Tensor, n_axes: int) -> Tensor:
    """||a||^2 over the last ``n_axes`` axes, see ``inner``."""
    return inner(a, a, n_axes)


def over_image(scalar: Tensor, x: Tensor) -> Tensor:
    """Per-item numbers (*batch) made ready to multiply x (*batch, ...), in x's real precision."""
    return scalar.to(x.real.dtype).reshape(scalar.shape + (1,) * (x.ndim - scalar.ndim))


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator, 0 where the denominator is 0."""
    return torch.where(denominator == 0, 0.0, numerator / denominator)


def scalars(*values: Tensor) -> list[float]:
    """The sum of each tensor as a float, in one transfer from the device."""
    floats: list[float] = torch.stack([value.sum() for value in values]).tolist()
    return floats
