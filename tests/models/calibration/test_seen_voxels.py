"""What is seen, as operators tell it and as they are probed."""

from __future__ import annotations

import torch

from proxflow.models.calibration.seen_voxels import seen_voxels
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.diagonal import Diagonal


def test_what_coil_maps_leave_dark_is_found_as_it_is_told() -> None:
    """Behind a turn, which hides ``support``, the probe finds the same voxels."""
    rng = torch.Generator().manual_seed(3)
    seen = torch.rand(9, 7, generator=rng) > 0.3
    maps = seen * torch.randn(2, 9, 7, dtype=torch.complex64, generator=rng)
    operator = CartesianSense(torch.rand(9, 7, generator=rng) > 0.6, maps)
    turn = torch.polar(torch.ones(9, 7), torch.rand(9, 7, generator=rng))
    assert torch.equal(seen_voxels(operator, maps), seen)
    turned = operator @ Diagonal(turn)
    assert turned.support is None and torch.equal(seen_voxels(turned, maps), seen)
