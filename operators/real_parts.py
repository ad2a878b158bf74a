"""Complex arrays as pairs of real ones, for kernels that know real numbers only."""

from __future__ import annotations

import torch
from torch import Tensor


def real_parts(array: Tensor) -> Tensor:
    """(part, *shape), contiguous: real and imaginary part of a complex array, one part of a real one."""
    array = array.detach().resolve_conj().resolve_neg()
    return torch.view_as_real(array).movedim(-1, 0).contiguous() if array.is_complex() else array.contiguous()


def from_real_parts(parts: Tensor, like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """An array of ``shape`` from its parts, in any shape that holds as many; complex where ``like`` is."""
    if like.is_complex():
        return torch.complex(*parts.reshape(2, *shape))
    return parts.reshape(shape)
