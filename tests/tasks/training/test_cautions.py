"""What is said of a curve whose minimum cannot be trusted."""

from __future__ import annotations

import numpy as np

from proxflow.configs.tunable import Tunable
from proxflow.tasks.training.cautions import as_good_as, cautions
from proxflow.tasks.training.search import Candidate

WEIGHT = Tunable(1e-4, 0.1, limits=(1e-6, 1), zero=True)
VALUES = (0.0001, 0.001, 0.01, 0.1)


def curve(*errors: float, spread: float = 0.0) -> list[Candidate]:
    """Candidates with these mean errors over four seeds; differences between them scatter by ``spread``."""
    noise = np.random.default_rng(1).standard_normal((len(errors), 4)) * spread
    common = np.array([0.05, -0.02, 0.03, -0.06])  # seeds differ, alike for all values
    return [
        Candidate(value, tuple(error + common + row - row.mean()))
        for value, error, row in zip(VALUES, errors, noise, strict=True)
    ]


def said(tried: list[Candidate], scans: tuple[str, ...] = ("a",)) -> str:
    return " ".join(cautions("tv", "lam", WEIGHT, tried, scans))


def test_a_clear_minimum_needs_no_caution() -> None:
    assert said(curve(0.5, 0.3, 0.4, 0.6)) == ""
    assert as_good_as(curve(0.5, 0.3, 0.4, 0.6)) == (0.001, 0.001)


def test_minimum_at_an_end() -> None:
    assert "smallest at the largest lam tried, 0.1" in said(curve(0.6, 0.5, 0.4, 0.3))
    assert "smallest at the smallest lam tried, 0.0001" in said(curve(0.3, 0.4, 0.5, 0.6))


def test_no_weight_at_all() -> None:
    tried = [Candidate(0.0, (0.2,) * 4), *curve(0.3, 0.4, 0.5, 0.6)]
    assert "ask for no weight at all" in said(tried)


def test_flat_within_the_spread_over_seeds() -> None:
    """A seed's own level, which all values share, does not make the curve flat; scatter between them does."""
    errors = (0.52, 0.505, 0.5, 0.51)
    assert "flat" not in said(curve(*errors))
    scattered = said(curve(*errors, spread=0.2))
    assert "the curve is flat; lam from 0.0001 to 0.1" in scattered


def test_errors_above_one_choose_nothing() -> None:
    assert "worse than zeros would" in said(curve(1.4, 1.2, 1.3, 1.5))


def test_a_scan_that_disagrees_is_named() -> None:
    tried = [
        Candidate(value, (*(one,) * 3, *(other,) * 3))
        for value, one, other in zip(VALUES, (0.5, 0.3, 0.2, 0.6), (0.30, 0.31, 0.32, 0.33), strict=True)
    ]
    text = said(tried, ("near.h5", "far.h5"))
    assert "far.h5 alone would choose lam = 0.0001, far from 0.01" in text
    assert "near.h5" not in text
