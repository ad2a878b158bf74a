"""What every reconstruction method returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from proxflow.models.methods.certificate import Certificate
from proxflow.models.solvers.iteration import Iteration

# What the maps beside an image are, by name: said wherever one is stored or shown.
MAP_TEXTS = {"std": "spread of samples, NOT calibrated: too small, docs/methods/dds.md"}


@dataclass(frozen=True)
class Reconstruction:
    """image: (*batch, *domain) of the operator, in the unit of A^H y.  trace: one report per iteration.

    curves: what else a method found and a report shows, by name: lists of numbers, such as the temporal
    functions of a dynamic image, each over the frames.
    maps: companions of the image, names of ``MAP_TEXTS`` to real tensors of its shape, in its unit.
    certificate: which conditions held and what the method's own prior says, of those that can tell.

    Raises ValueError for a map of another name, shape or kind.
    """

    image: Tensor
    trace: list[Iteration]
    curves: Mapping[str, list[list[float]]] = field(default_factory=dict)
    maps: Mapping[str, Tensor] = field(default_factory=dict)
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        for name, values in self.maps.items():
            if name not in MAP_TEXTS:
                raise ValueError(f"maps must be named as one of {', '.join(MAP_TEXTS)}, got {name}")
            if values.is_complex() or values.shape != self.image.shape:
                raise ValueError(
                    f"{name} must be real of shape {tuple(self.image.shape)}, got {values.dtype} "
                    f"{tuple(values.shape)}"
                )
