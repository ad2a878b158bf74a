"""What a metric returns, and how its numbers travel through JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Score:
    """One metric of one image, from two sums of every item: f(top / bottom), f is ``finish``.

    The number over the volume is f of the sums of both, so that items may be scored one by one.
    top, bottom: float64 (item,).
    """

    top: np.ndarray
    bottom: np.ndarray
    finish: Callable[[np.ndarray], np.ndarray] = np.asarray

    @property
    def value(self) -> float:
        """Over all items. Raises ValueError if ``bottom`` is zero in each of them."""
        if not self.bottom.sum() > 0:
            raise ValueError("image and reference must not be zero everywhere in the region")
        return float(self.finish(self.top.sum() / self.bottom.sum()))

    @property
    def per_item(self) -> np.ndarray:
        """float64 (item,); NaN where ``bottom`` is zero."""
        ratio = np.full(self.top.shape, np.nan)
        np.divide(self.top, self.bottom, out=ratio, where=self.bottom > 0)
        return np.asarray(self.finish(ratio))

    def grouped(self, count: int) -> Score:
        """The score of runs of ``count`` items, each as one: an item's planes, scored one by one before."""
        top, bottom = (sums.reshape(-1, count).sum(axis=1) for sums in (self.top, self.bottom))
        return Score(top, bottom, self.finish)

    @staticmethod
    def joined(scores: Sequence[Score]) -> Score:
        """The score of all items from the same metric's of some."""
        top = np.concatenate([score.top for score in scores])
        return Score(top, np.concatenate([score.bottom for score in scores]), scores[0].finish)


@dataclass(frozen=True)
class MetricValue:
    """A number together with everything needed to read it.

    ``value`` is over all items and ``per_item`` has one number per item (empty where only the
    whole is known). ``per_frame`` has, for each item, one number per frame of a series; else it is
    empty. ``unit`` is "" for ratios. ``higher_is_better`` is None where the number alone
    does not say which image is better. ``convention`` is the sentence to print beside the number.
    """

    name: str
    value: float
    per_item: tuple[float, ...]
    unit: str
    higher_is_better: bool | None
    convention: str
    per_frame: tuple[tuple[float, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A dictionary of JSON types; infinities and NaN as in ``json_number``."""
        document: dict[str, Any] = {
            "name": self.name,
            "value": json_number(self.value),
            "per_item": [json_number(value) for value in self.per_item],
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "convention": self.convention,
        }
        if self.per_frame:
            document["per_frame"] = [[json_number(value) for value in frames] for frames in self.per_frame]
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> MetricValue:
        """The inverse of ``to_json``."""
        frames = document.get("per_frame", ())
        numbers = {
            "value": number_from_json(document["value"]),
            "per_item": tuple(number_from_json(value) for value in document["per_item"]),
            "per_frame": tuple(tuple(number_from_json(value) for value in item) for item in frames),
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
