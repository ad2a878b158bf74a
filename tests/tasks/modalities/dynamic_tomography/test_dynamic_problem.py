"""One series as a method meets it: the operator, views withheld, what a report shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.frame_projections import FrameProjections
from proxflow.tasks.errors import RequestError
from proxflow.tasks.stages.solve import misfit

KIND = "ct-dynamic"


@pytest.mark.parametrize("changes", [{}, {"axis_column": 10.6}, {"axis_column": 12.0, "centre": "pixel"}])
def test_operator_has_the_scan_s_geometry(
    make: Any, series_scan: Any, rng: Any, check_norm: Any, changes: dict[str, Any]
) -> None:
    made = make(KIND, series_scan(8, 2, noise=0.0, **changes))
    problem = made.problem()
    operator, y = problem.posed(problem.mask)
    assert isinstance(operator, FrameProjections) and y.dtype == torch.float64
    assert operator.domain_shape == (8, 24, 24) and y.shape == (8, 2, 24)
    assert_adjoint(operator, rng, dtype=torch.float64)
    check_norm(operator, problem.norm)
    if "centre" in changes:
        return  # the truth is centred on the image's middle
    truth = torch.from_numpy(made.prepared.array("reference")[0]).double()
    error = (operator.forward(truth) - y).norm() / y.norm()
    assert error < 0.06
    for wrong in (truth.flip(0), truth.flip(-1), truth.flip(-2), truth.transpose(-1, -2)):
        assert (operator.forward(wrong) - y).norm() / y.norm() > 2 * error


def test_a_part_of_the_views_is_a_part_of_the_problem(make: Any, series_scan: Any, rng: Any) -> None:
    made = make(KIND, series_scan(8, 2, items=2))
    problem = made.problem(item=1)
    mask = problem.mask.clone()
    mask[3], mask[5, 1] = False, False
    operator, y = problem.posed(mask)
    everything, y_all = problem.posed(problem.mask)
    x = torch.randn(operator.domain_shape, dtype=torch.float64, generator=rng)
    torch.testing.assert_close(operator.forward(x), everything.forward(x) * mask[..., None])
    torch.testing.assert_close(y, y_all * mask[..., None])
    assert problem.count(mask) == 13 * 24 and problem.count(problem.mask) == 16 * 24
    given, judged = misfit(problem, x, mask)[0], misfit(problem, x, ~mask)[0]
    assert given**2 + judged**2 == pytest.approx(misfit(problem, x, problem.mask)[0] ** 2)


def test_views_are_withheld_whole_and_at_random(make: Any, series_scan: Any) -> None:
    made = make(KIND, series_scan(16, 2))
    problem = made.problem()
    splits = [made.kind.withhold(problem, made.calibrated, 0, fraction=0.25, seed=seed) for seed in (0, 0, 1)]
    for split in splits:
        assert int(split.judged.sum()) == 8 and not (split.given & split.judged).any()
        assert (split.given | split.judged).all()
    assert torch.equal(splits[0].judged, splits[1].judged)
    assert not torch.equal(splits[0].judged, splits[2].judged)
    assert made.problem(precision="single").posed(problem.mask)[1].dtype == torch.float32
    alone = make(KIND, series_scan(1))
    with pytest.raises(RequestError, match="held_out_fraction must be 0 where nothing can be spared"):
        alone.kind.withhold(alone.problem(), alone.calibrated, 0, fraction=0.1, seed=0)


def test_frames_of_one_operator_are_set_up_once(make: Any, series_scan: Any) -> None:
    made = make(KIND, series_scan(8, items=2))
    first, second = made.problem(0), made.problem(1)
    assert first.operator is second.operator


def test_operator_bytes_are_what_is_held(make: Any, series_scan: Any, check_operator_bytes: Any) -> None:
    check_operator_bytes(make(KIND, series_scan(16, 2, columns=40)))


def test_region_and_pictures(make: Any, series_scan: Any) -> None:
    made = make(KIND, series_scan(16, 2, centre="pixel"))
    region = made.kind.support(made.prepared, made.calibrated, (24, 24))
    assert region.shape == (1, 24, 24)
    y, x = np.mgrid[:24, :24]
    np.testing.assert_array_equal(region[0], (y - 12) ** 2 + (x - 12) ** 2 <= 11.5**2)
    pictures = made.kind.pictures(made.prepared, made.calibrated, [0])
    np.testing.assert_array_equal(pictures.samples, made.prepared.array("samples")[0].reshape(32, 24))
    assert pictures.samples_text == (
        "Projections in the order of time: 16 frames down, 2 views each, 24 columns across"
    )
    assert made.kind.measured_text(made.prepared) == "16 frames, 2 views of 24 columns each"
    assert not made.kind.complete(made.prepared)
    middle = make(KIND, series_scan(axis_column=8.0))
    off = middle.kind.support(middle.prepared, middle.calibrated, (24, 24))[0]
    assert off.sum() == pytest.approx(np.pi * 8.5**2, rel=0.05)
