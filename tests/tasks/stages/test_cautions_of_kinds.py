"""Cautions say what may be true of each kind of scan."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from proxflow.tasks.modalities.registry import modality
from proxflow.tasks.stages.cautions import cautions

WORDS = {
    "mri-cartesian": "coil maps",
    "mri-radial": "coil maps",
    "ct": "the axis of rotation",
    "ct-dynamic": "the object changes",
    "radar": "permittivity",
    "image": "blurred in another way",
}


def image(method: str, n_iter: int, change: float) -> Any:
    """An artefact of a method that stopped after ``n_iter`` iterations at its limit."""
    config = {"method": {"method": method, "n_iter": n_iter, "tol": 1e-4}}
    traces = [{"relative_change": [None, *[change] * (n_iter - 1)]}]
    return SimpleNamespace(provenance={"config": config}, document=lambda _: traces)


@pytest.mark.parametrize("kind", WORDS)
def test_a_misfit_is_explained_by_what_the_scan_has(kind: str) -> None:
    text = modality(kind).misfit_text
    said = cautions("tv", image("tv", 20, 1e-6), 1.0196, text)
    assert said == [f"Caution: tv predicts held-out samples worse than zeros would (1.02 > 1): {text}."]
    assert WORDS[kind] in text
    assert all(word not in text for other, word in WORDS.items() if word != WORDS[kind])
    assert cautions("tv", image("tv", 20, 1e-6), 0.99, text) == []


def test_stopping_early_is_a_caution_only_where_it_is_not_meant() -> None:
    assert len(cautions("tv", image("tv", 20, 1e-2), None, "")) == 1
    for method in ("sirt", "cgls"):
        assert cautions(method, image(method, 20, 1e-2), None, "") == []
