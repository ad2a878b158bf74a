"""The proximal map of the l1 norm."""

from __future__ import annotations

from torch import Tensor


def soft_threshold(z: Tensor, lam: float) -> Tensor:
    """argmin_x 1/2 |x - z|^2 + lam |x| = max(1 - lam / |z|, 0) z, elementwise; 0 where z = 0.

    z: real or complex, any shape; a complex entry keeps its phase.
    Source: Donoho, IEEE Trans. Inf. Theory 41:613 (1995), with the modulus for complex entries.
    """
    if not lam >= 0:
        raise ValueError(f"lam must be at least 0, got {lam}")
    if lam == 0:
        return z.clone()
    # max(|z|, lam) in the divisor: 1 - lam / lam = 0 exactly, so neither 0 / 0 nor a clamp of the factor
    return z * (1 - lam / z.abs().clamp_min(lam))
