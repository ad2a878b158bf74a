"""What a method can say for an image it delivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from proxflow.models.learned_prox.conditions import Condition
from proxflow.models.metrics.value import json_number, number_from_json

# What the figures are, by name: said wherever one is shown.
FIGURE_TEXTS = {
    "lipschitz": "L_h, Lipschitz constant of the gradient of the misfit",
    "eta": "eta, step of proximal gradient descent, 1 / weight of the prior",
    "rho": "rho, penalty of ADMM, weight of the prior",
    "strength": "strength, how much of the network's step was taken",
    "fixed_point_residual": "residual of the fixed point, in the end",
    "largest_before": "largest magnitude the network saw in the first image, where 1 is its bright voxels",
    "largest_after": "the same of the image delivered",
    "prior_before": "R of the first image, up to a constant",
    "prior_after": "R of the image delivered, up to the same constant",
    "inversion_residual_before": "‖f(v) − x‖ / ‖x‖ where R of the first image was taken",
    "inversion_residual_after": "‖f(v) − x‖ / ‖x‖ where R of the image delivered was taken",
    "reach_before": "‖v − x‖ / ‖x‖ of the first image: far from 0 the network was never trained",
    "reach_after": "‖v − x‖ / ‖x‖ of the image delivered",
}


@dataclass(frozen=True)
class Certificate:
    """conditions: what convergence, or a number here, asks for, and whether it held.

    figures: numbers by name, names of ``FIGURE_TEXTS``.  Raises ValueError for a figure of another name.
    """

    conditions: tuple[Condition, ...]
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.figures if name not in FIGURE_TEXTS]
        if unknown:
            raise ValueError(f"figures must be named as one of {', '.join(FIGURE_TEXTS)}, got {unknown[0]}")

    def to_json(self) -> dict[str, Any]:
        """As strict JSON values."""
        figures = {name: json_number(value) for name, value in self.figures.items()}
        return {"conditions": [asdict(condition) for condition in self.conditions], "figures": figures}

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Certificate:
        """The inverse of ``to_json``; ValueError, TypeError, LookupError or AttributeError for others."""
        conditions = tuple(Condition(**values) for values in document["conditions"])
        if not all(
            isinstance(one.name, str) and isinstance(one.text, str) and type(one.holds) is bool
            for one in conditions
        ):
            raise ValueError(f"conditions must be name, holds and text, got {document['conditions']!r:.80}")
        figures = {name: number_from_json(value) for name, value in document["figures"].items()}
        return Certificate(conditions, figures)
