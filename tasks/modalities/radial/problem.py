"""One item of a non-Cartesian scan as a method meets it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from proxflow.operators.non_cartesian_sense import NonCartesianSense


@dataclass(frozen=True)
class RadialProblem:
    """samples complex (coil, spoke, readout), trajectory real (spoke, readout, 2), maps complex (coil, y, x),
    mask bool (spoke, readout)."""

    samples: Tensor
    trajectory: Tensor
    maps: Tensor
    mask: Tensor
    norm: float

    def posed(self, mask: Tensor) -> tuple[NonCartesianSense, Tensor]:
        lengths = set(mask.sum(dim=1).tolist()) - {0}
        length = lengths.pop() if len(lengths) == 1 else None
        return NonCartesianSense(self.trajectory[mask], self.maps, n_readout=length), self.samples[:, mask]

    def count(self, mask: Tensor) -> int:
        return int(mask.sum()) * self.samples.shape[0]
