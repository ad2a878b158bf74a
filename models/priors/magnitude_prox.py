"""A prior on the magnitude alone, the phase left free."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def magnitude_prox(z: Tensor, denoise: Callable[[Tensor], Tensor]) -> Tensor:
    """x = D(|z|) exp(i arg z), with arg 0 = 0 and D clipped at 0.

    With D(b) = argmin_{m >= 0} R(m) + 1/2 ||m - b||^2 this is argmin_x R(|x|) + 1/2 ||x - z||^2 exactly, for
    any R: whatever the modulus, the best phase is that of z. Plug-and-play puts any denoiser in D's place;
    one that dips below 0 would turn the phase by pi there, hence the clip.

    Args:
        z: complex, any shape.
        denoise: of a real non-negative array of z's shape to a real one.

    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024); their code does not clip.
    """
    modulus = z.abs()
    magnitude = denoise(modulus).clamp_min(0)
    zero = modulus < torch.finfo(modulus.dtype).tiny  # below, z / |z| loses its precision and overflows
    phase = torch.where(zero, torch.ones_like(z), z / modulus.masked_fill(zero, 1))
    return magnitude * phase
