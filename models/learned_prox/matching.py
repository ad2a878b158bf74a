"""Proximal matching: the loss that learns a posterior's mode, which is a proximal map."""

from __future__ import annotations

import torch
from torch import Tensor


def proximal_matching(found: Tensor, clean: Tensor, gamma: float) -> Tensor:
    """mean_i 1 - exp(-||f(y_i) - x_i||^2 / gamma^2), the norm over all of one sample, as a scalar.

    As gamma goes to 0 its minimiser goes to the posterior's mode, the proximal operator of -sigma^2 log p(x);
    for a fixed gamma it is the mode of the posterior blurred with a Gaussian of std gamma / sqrt(2). The
    constant (pi gamma^2)^(-n/2), which would overflow, is left out.

    found, clean: (n, *sample).  Raises ValueError if gamma is not positive or the shapes differ.
    Source: Fang, Buchanan & Sulam, ICLR 2024.
    """
    if not gamma > 0:
        raise ValueError(f"gamma must be positive, got {gamma}")
    if found.shape != clean.shape:
        raise ValueError(f"found must have the shape of clean {tuple(clean.shape)}, got {tuple(found.shape)}")
    square = (found - clean).square().flatten(1).sum(1)
    return -torch.expm1(-square / gamma**2).mean()
