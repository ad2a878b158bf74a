"""One item of a Cartesian scan as a method meets it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from proxflow.operators.cartesian_sense import CartesianSense


@dataclass(frozen=True)
class CartesianProblem:
    """Samples complex (coil, ky, kx), mask bool (ky, kx), maps complex (coil, y, x), all on the device.

    The FFT is orthonormal and the maps have sum |S|^2 <= 1, so that ||A|| <= 1.
    """

    samples: Tensor
    mask: Tensor
    maps: Tensor
    norm: float = 1.0

    def posed(self, mask: Tensor) -> tuple[CartesianSense, Tensor]:
        return CartesianSense(mask, self.maps), self.samples * mask

    def count(self, mask: Tensor) -> int:
        return int(mask.sum()) * self.samples.shape[0]
