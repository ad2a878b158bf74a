"""What a certificate of a learned proximal network judges by, and how it travels."""

from __future__ import annotations

import json
import math

import pytest
import torch

from proxflow.models.learned_prox.conditions import Condition
from proxflow.models.methods.certificate import Certificate
from proxflow.models.methods.lpn_certificate import outcome_conditions, range_condition
from proxflow.models.solvers.iteration import Iteration


@pytest.mark.parametrize("channels", [1, 2])
def test_half_a_percent_of_the_voxels_may_lie_beyond_the_trained_range(channels: int) -> None:
    """As many are above the unit, which is a quantile, in every scan."""
    images = torch.full((2, channels, 20, 25), 0.5)
    images[0, 0, 0, :5] = 1.6
    assert range_condition("it", images, (-0.125, 1.125)).holds
    images[1, -1, 0, 0] = -0.2
    condition = range_condition("it", images, (-0.125, 1.125))
    assert not condition.holds and "got 0.60%" in condition.text
    assert not range_condition("it", images * torch.nan, (-0.125, 1.125)).holds


@pytest.mark.parametrize(
    ("rise", "strength", "epsilon", "holds"),
    [
        (1e-6, 1.0, 0.0, True),
        (3e-6, 1.0, 0.0, False),
        (1e-6, 0.01, 0.0, False),
        (1e-8, 0.01, 0.0, True),
        (1e-6, 0.01, 3e-6, True),
    ],
)
def test_a_rise_counts_beyond_rounding_and_what_the_strength_allows(
    rise: float, strength: float, epsilon: float, holds: bool
) -> None:
    """Of an objective of 1, beside a square of 1."""
    figures = (("fixed_point_residual", 0.0), ("clipped", 0.0))
    trace = [Iteration(k, 2, value, 1.0, 1.0, figures) for k, value in ((1, 1.0), (2, 1.0 + rise))]
    found = {one.name: one.holds for one in outcome_conditions(trace, 1.0, strength, epsilon)}
    assert found["objective never rises"] is holds


def test_certificates_travel_through_json() -> None:
    made = Certificate(
        (Condition("a", True, "a must"), Condition("b", False, "b must")), {"prior_after": math.nan, "rho": 2}
    )
    document = json.loads(json.dumps(made.to_json(), allow_nan=False))
    again = Certificate.from_json(document)
    assert again.conditions == made.conditions and again.figures["rho"] == 2.0
    assert math.isnan(again.figures["prior_after"])
    document["conditions"][0]["holds"] = "yes"
    with pytest.raises(ValueError, match="conditions must be name, holds and text"):
        Certificate.from_json(document)
    with pytest.raises(ValueError, match=r"figures must be named as one of .* got colour"):
        Certificate((), {"colour": 1.0})
