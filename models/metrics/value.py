"""What a metric returns, and how its numbers travel through JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np


class Score(NamedTuple):
    """One metric of one image: ``value`` over the whole volume, ``per_item`` float64 (item,)."""

    value: float
    per_item: np.ndarray


@dataclass(frozen=True)
class MetricValue:
    """A number together with everything needed to read it.

    ``value`` is over all items and ``per_item`` has one number per item (empty where only the
    whole is known). ``unit`` is "" for ratios. ``higher_is_better`` is None where the number alone
    does not say which image is better. ``convention`` is the sentence to print beside the number.
    """

    name: str
    value: float
    per_item: tuple[float, ...]
    unit: str
    higher_is_better: bool | None
    convention: str

    def to_json(self) -> dict[str, Any]:
        """A dictionary of JSON types; infinities and NaN as in ``json_number``."""
        return {
            "name": self.name,
            "value": json_number(self.value),
            "per_item": [json_number(value) for value in self.per_item],
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "convention": self.convention,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> MetricValue:
        """The inverse of ``to_json``."""
        numbers = {
            "value": number_from_json(document["value"]),
            "per_item": tuple(number_from_json(value) for value in document["per_item"]),
        }
        return cls(**{**document, **numbers})


def json_number(value: float) -> float | str | None:
    """``value`` as strict JSON can hold it: "inf" and "-inf" as strings, NaN as null."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float(value)


def number_from_json(value: float | str | None) -> float:
    """The inverse of ``json_number``."""
    return math.nan if value is None else float(value)
