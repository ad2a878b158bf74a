"""The spokes of ReconResNet: golden angles, samples that lie beside the centre of k-space."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.operators.trajectories import GOLDEN_ANGLE_RAD


def golden_spokes(n_spokes: int, matrix: int, first: int = 0) -> Tensor:
    """Spokes ``first`` and the following, float64 (spoke, 2 matrix, 2), (ky, kx) in cycles per field of view:

        k = r (sin a, cos a),   a = s 111.246 degrees,   r = -matrix / 2 ... matrix / 2

    in 2 ``matrix`` equal steps with both ends, so that no sample lies at k = 0, unlike those of
    ``radial_trajectory``. 2 ``matrix`` spokes count as full sampling: the acceleration of S spokes is
    2 matrix / S.

    Raises ValueError if a number is below 1, or ``first`` below 0.
    Source: the sampling of Chatterjee et al., Comput. Biol. Med. 143:105321 (2022), 60 or 30 of 512 spokes.
    """
    if n_spokes < 1 or matrix < 1 or first < 0:
        got = f"{n_spokes}, {matrix} and {first}"
        raise ValueError(f"n_spokes and matrix must be at least 1, first at least 0, got {got}")
    angles = GOLDEN_ANGLE_RAD * torch.arange(first, first + n_spokes, dtype=torch.float64)
    r = torch.linspace(-matrix / 2, matrix / 2, 2 * matrix, dtype=torch.float64)
    return torch.stack([torch.outer(angles.sin(), r), torch.outer(angles.cos(), r)], dim=-1)


def golden_spoke_density(n_spokes: int, matrix: int, *, centred: bool = True) -> Tensor:
    """Area of k-space for which each sample of ``golden_spokes`` stands, float64 (2 matrix,), for all spokes:

        w_i = (pi / S) |i - (B - 1) / 2| dr^2,   i = 0 ... B - 1,   B = 2 matrix,   dr = matrix / (B - 1)

    in (cycles per field of view)^2, the unit of ``radial_density``: with many spokes A^H w A is near the
    identity. Each spoke has the same share, as if the angles were evenly spaced.

    centred: False for the published formula, (pi / S) |B / 2 - i + 1/2|, whose zero lies one sample beside
    the centre, for reproduction.
    """
    n = 2 * matrix
    zero_at = (n - 1) / 2 if centred else (n + 1) / 2
    steps = (torch.arange(n, dtype=torch.float64) - zero_at).abs()
    return torch.pi / n_spokes * steps * (matrix / (n - 1)) ** 2
