"""One radial item as a method meets it, with coil maps as given and as estimated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.tasks.errors import RequestError
from proxflow.tasks.stages.solve import misfit

KEPT = {"kind": "keep_spokes", "n_spokes": 30, "which": "first"}


@pytest.fixture
def given(make: Any, write_radial: Any, maps_file: Any) -> Any:
    """The scan with its true coil maps."""
    return make("mri-radial", write_radial(), KEPT, kind="given", maps=maps_file)


def test_operator_is_the_fourier_sum(
    given: Any, phantom: Any, samples: Any, rng: Any, check_norm: Any
) -> None:
    problem = given.problem(item=1)
    operator, y = problem.posed(problem.mask)
    assert_adjoint(operator, rng)
    check_norm(operator, problem.norm, torch.complex128)
    expected = torch.from_numpy(samples[:, :30].reshape(4, -1))
    predicted = operator.forward(torch.from_numpy(phantom.image))
    assert float((predicted - expected).norm() / expected.norm()) < 1e-5
    torch.testing.assert_close(y, 2 * expected, atol=1e-6, rtol=1e-5)
    assert problem.count(problem.mask) == 4 * 30 * 61


def test_withheld_spokes_are_judged_outside_the_calibration_region(
    make: Any, write_radial: Any, trajectory: Any
) -> None:
    made = make("mri-radial", write_radial(), KEPT, kind="lowres", acs=[12, 10])
    problem = made.problem()
    split = made.kind.withhold(problem, made.calibrated, 0, fraction=0.2, seed=1)
    held = ~split.given.any(dim=1) & problem.mask.any(dim=1)
    assert int(held.sum()) == 6
    radius = torch.from_numpy(np.linalg.norm(trajectory, axis=-1))
    clear = (radius - 7).abs() > 1e-3  # half the region and one sample; not those on its very edge
    assert not (split.given & split.judged).any()
    torch.testing.assert_close(split.judged & clear, held[:, None] & (radius > 7) & clear)
    torch.testing.assert_close(split.given, problem.mask & ~held[:, None])


def test_a_perfect_image_predicts_withheld_spokes(given: Any, phantom: Any) -> None:
    problem = given.problem()
    judged = given.kind.withhold(problem, given.calibrated, 0, fraction=0.1, seed=2).judged
    error, norm = misfit(problem, torch.from_numpy(phantom.image), judged)
    assert error / norm < 1e-4  # what coil maps and samples lost as complex64, where the signal is weak
    wrong, _ = misfit(problem, torch.from_numpy(phantom.image).flip(0), judged)
    assert wrong / norm > 0.3


@pytest.mark.parametrize("kind", ["espirit", "lowres"])
def test_estimated_maps_are_the_true_ones_up_to_phase(
    make: Any, write_radial: Any, phantom: Any, kind: str
) -> None:
    more = {"crop": 0.5} if kind == "espirit" else {}
    made = make("mri-radial", write_radial(), kind=kind, **more)
    inside = np.abs(phantom.image) > 0.9
    for maps in made.calibrated.array("maps"):
        likeness = np.abs((maps.conj() * phantom.coil_maps).sum(0))[inside]
        assert likeness.min() > 0.97
    assert (np.abs(made.calibrated.array("maps")) ** 2).sum(1).max() <= 1 + 1e-5
    assert "gridded from the spokes" in made.kind.calibration_text(made.calibrated)


def test_support_is_where_the_maps_are(make: Any, write_radial: Any, phantom: Any) -> None:
    made = make("mri-radial", write_radial(), crop=0.9)
    support = made.kind.support(made.prepared, made.calibrated, (36, 30))
    assert support.shape == (2, 36, 30)
    assert support[:, np.abs(phantom.image) > 0.9].all()
    assert not support.all()
    assert not made.kind.complete(made.prepared)
    with pytest.raises(RequestError, match=r"evaluate\.reference fully_sampled must have every sample"):
        made.kind.full_image(made.prepared, made.calibrated, 0)


@pytest.mark.parametrize(
    ("n_spokes", "more", "sentence"),
    [
        (9, {}, "at least 6 x 6 samples without gaps, got 5 x 5 from 9 spokes; give maps"),
        (30, {"acs": [40, 24]}, "calibrate.acs must fit in 36 x 30, got 40 x 24"),
    ],
)
def test_a_centre_with_gaps_is_refused(
    make: Any, write_radial: Any, n_spokes: int, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence):
        make("mri-radial", write_radial(), {"kind": "keep_spokes", "n_spokes": n_spokes}, **more)


def test_the_estimate_counts_what_the_operator_holds(given: Any, check_operator_bytes: Any) -> None:
    check_operator_bytes(given)


def test_pictures_show_the_spokes_given(given: Any, samples: Any) -> None:
    shown = given.kind.pictures(given.prepared, given.calibrated, [0])
    size = np.linalg.norm(samples[:, :30], axis=0)
    np.testing.assert_allclose(shown.samples, np.log10(np.maximum(size, size.max() * 1e-5)), atol=1e-4)
    assert shown.coil_maps.shape == (4, 36, 30)
    assert given.kind.measured_text(given.prepared) == "4 coils, 30 of 40 spokes of 61 samples"
