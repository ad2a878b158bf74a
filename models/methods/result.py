"""What every reconstruction method returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from proxflow.models.solvers.iteration import Iteration


@dataclass(frozen=True)
class Reconstruction:
    """image: (*batch, *domain) of the operator, in the unit of A^H y.  trace: one report per iteration.

    curves: what else a method found and a report shows, by name: lists of numbers, such as the temporal
    functions of a dynamic image, each over the frames.
    """

    image: Tensor
    trace: list[Iteration]
    curves: Mapping[str, list[list[float]]] = field(default_factory=dict)
