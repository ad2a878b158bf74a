"""What every reconstruction method returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from proxflow.models.solvers.iteration import Iteration


@dataclass(frozen=True)
class Reconstruction:
    """image: (*batch, *domain) of the operator, in the unit of A^H y.  trace: one report per iteration."""

    image: Tensor
    trace: list[Iteration]
