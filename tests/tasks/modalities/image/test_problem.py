"""One picture as a method meets it: operator and mask, its norm, what is withheld, what a report shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.tasks.errors import RequestError
from proxflow.tasks.stages.solve import misfit

PICTURES = np.random.default_rng(3).uniform(1, 5, (2, 16, 13)).astype(np.float32)
STEPS: dict[str, dict[str, Any]] = {
    "blur": {"kind": "blur", "sigma": 1.0, "noise": 0},
    "blurred": {"kind": "blurred", "sigma": 2.0},
    "circulant_sensing": {"kind": "circulant_sensing", "ratio": 3, "noise": 0},
}
every_kind = pytest.mark.parametrize("kind", STEPS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "pictures.npy", PICTURES)
    return tmp_path / "pictures.npy"


@every_kind
def test_operator_and_mask_go_together(
    make: Any, path: Path, rng: Any, check_norm: Any, check_operator_bytes: Any, kind: str
) -> None:
    made = make("image", path, STEPS[kind])
    problem = made.problem(item=1)
    operator, y = problem.posed(problem.mask)
    assert operator.range_shape == tuple(y.shape) == tuple(problem.mask.shape)
    assert_adjoint(operator, rng)
    check_norm(operator, problem.norm)
    check_operator_bytes(made)
    split = made.kind.withhold(problem, made.calibrated, 1, fraction=0.1, seed=5)
    assert not (split.given & split.judged).any() and (split.given | split.judged).all()
    assert problem.count(split.judged) == round(0.1 * y.numel())
    part, kept = problem.posed(split.given)
    assert_adjoint(part, rng)
    assert (kept[split.judged] == 0).all() and (kept[split.given] == y[split.given]).all()
    x = torch.randn(operator.domain_shape, generator=rng, dtype=y.dtype)
    torch.testing.assert_close(part.forward(x), operator.forward(x) * split.given)


@pytest.mark.parametrize("kind", ["blur", "circulant_sensing"])
def test_the_picture_explains_what_was_measured(make: Any, path: Path, kind: str) -> None:
    problem = make("image", path, STEPS[kind]).problem(item=1)
    error, norm = misfit(problem, torch.from_numpy(PICTURES[1].astype(np.float64)), problem.mask)
    assert error / norm < 1e-6


def test_a_blurred_picture_is_part_of_a_larger_image(make: Any, path: Path) -> None:
    """The middle of a scene's full blur, what no edge reaches, is what a camera sees of the scene."""
    made = make("image", path, STEPS["blurred"])
    operator, y = made.problem().posed(made.problem().mask)
    assert y.shape == (16, 13) and operator.domain_shape == (22, 19)
    flat = operator.forward(torch.full((22, 19), 3.0, dtype=torch.float64))
    torch.testing.assert_close(flat, torch.full((16, 13), 3.0, dtype=torch.float64))
    assert made.prepared.document("scan")["geometry"]["matrix"] == [16, 13]


def test_reports_show_the_blurred_picture_or_the_adjoint(make: Any, path: Path) -> None:
    blurred, sensed = (make("image", path, STEPS[kind]) for kind in ("blur", "circulant_sensing"))
    shown = blurred.kind.pictures(blurred.prepared, blurred.calibrated, [0])
    assert shown.samples.shape == (20, 17) and "blurred picture: 20 x 17" in shown.samples_text
    shown = sensed.kind.pictures(sensed.prepared, sensed.calibrated, [0])
    assert shown.samples.shape == (16, 13) and "adjoint of 69 random combinations" in shown.samples_text
    assert "69 random combinations of 208 pixels" in sensed.kind.measured_text(sensed.prepared)
    assert "standard deviation 1 pixels" in blurred.kind.measured_text(blurred.prepared)
    assert "Norm of the forward model" in blurred.kind.calibration_text(blurred.calibrated)


def test_one_measurement_cannot_be_spared(make: Any, path: Path) -> None:
    made = make("image", path, STEPS["blur"])
    problem = made.problem()
    single = torch.zeros_like(problem.mask)
    single[0, 0] = True
    alone = type(problem)(problem.samples, single, problem.norm, problem.operator)
    with pytest.raises(RequestError, match="held_out_fraction must be 0 where nothing can be spared"):
        made.kind.withhold(alone, made.calibrated, 0, fraction=0.1, seed=0)
