"""Noise levels, and both rules of fresh noise, against the closed recursion of a Gaussian coordinate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest

from proxflow.models.diffusion.noise_levels import (
    EtaRule,
    usual_eta,
    ve_steps,
    vp_levels,
    vp_steps,
)

Moments = Callable[..., tuple[float, float]]


def test_levels_have_the_values_that_are_published() -> None:
    levels = vp_levels()
    assert len(levels) == 1000
    published = {0: 0.9999, 20: 0.99374, 100: 0.8951, 500: 0.0778, 980: 5.90e-5}
    for time, expected in published.items():
        assert levels[time].signal ** 2 == pytest.approx(expected, rel=1e-3)
        assert levels[time].time == time
        assert levels[time].signal ** 2 + levels[time].noise ** 2 == pytest.approx(1.0)


@pytest.mark.parametrize("n_steps", [1, 2, 20, 49, 50, 1000])
@pytest.mark.parametrize("rule", ["official", "ddim"])
def test_steps_go_down_to_no_noise(n_steps: int, rule: EtaRule) -> None:
    steps = vp_steps(n_steps, eta=0.5, rule=rule)
    assert [step.at.time for step in steps] == [i * (1000 // n_steps) for i in reversed(range(n_steps))]
    for step, after in itertools.pairwise(steps):
        expected = 0.0 if after.at.time == 0 else after.at.noise**2
        assert step.kept**2 + step.fresh**2 == pytest.approx(expected, abs=1e-15)
        assert step.signal == (1.0 if after.at.time == 0 else after.at.signal)
    assert (steps[-1].signal, steps[-1].kept, steps[-1].fresh) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("variance", "n_steps", "eta", "official", "ddim"),
    [
        (1, 20, 0.15, 0.825, 0.828),
        (1, 50, 0.5, 0.862, 0.913),
        (1, 100, 0.8, 0.760, 0.938),
        (1, 50, 0.85, 0.698, 0.880),
        (1, 50, 1.0, 0.453, 0.857),
        (0.1, 50, 0.85, 0.627, 0.756),
        (0.01, 20, 0.15, 0.223, 0.223),
        (0.01, 50, 0.5, 0.500, 0.512),
    ],
)
def test_spread_is_too_small_by_what_is_known(
    variance: float, n_steps: int, eta: float, official: float, ddim: float, gaussian_moments: Moments
) -> None:
    for rule, expected in (("official", official), ("ddim", ddim)):
        steps = vp_steps(n_steps, eta=eta, rule=rule)  # type: ignore[arg-type]
        mean, found = gaussian_moments(steps, 0.3, variance)
        assert found / variance == pytest.approx(expected, abs=6e-4)
        assert mean == pytest.approx(0.3, rel=0.012)


def test_variance_exploding_steps_share_the_noise_out(gaussian_moments: Moments) -> None:
    steps = ve_steps(99, eta=0.85)
    assert (steps[0].at.noise, steps[-1].at.noise) == (378.0, pytest.approx(0.01))
    for step, after in itertools.pairwise(steps):
        assert step.kept**2 + step.fresh**2 == pytest.approx(after.at.noise**2)
        share = 1 - (after.at.noise / step.at.noise) ** 2
        assert step.fresh == pytest.approx(0.85 * share * after.at.noise)
    mean, variance = gaussian_moments(steps, 0.3, 0.1)
    assert mean == pytest.approx(0.3, rel=0.01) and 0.05 < variance < 0.11


def test_numbers_out_of_range_are_refused() -> None:
    for call, sentence in (
        (lambda: vp_steps(0, eta=0.5), "n_steps must be 1 to 1000, got 0"),
        (lambda: vp_steps(1001, eta=0.5), "n_steps must be 1 to 1000, got 1001"),
        (lambda: vp_steps(50, eta=1.1), "eta must be 0 to 1, got 1.1"),
        (lambda: ve_steps(1, eta=0.5), "n_steps must be at least 2, got 1"),
        (lambda: ve_steps(9, eta=math.nan), "eta must be 0 to 1, got nan"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


def test_usual_eta_follows_the_number_of_steps() -> None:
    assert [usual_eta(n) for n in (20, 50, 100)] == [0.15, 0.5, 0.8]
