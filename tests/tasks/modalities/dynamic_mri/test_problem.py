"""A series as a method meets it: the forward model, coil maps, and what is withheld."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.frame_operator import FrameOperator
from proxflow.tasks.errors import RequestError
from proxflow.tasks.stages.solve import misfit

KIND = "mri-dynamic"
UNDERSAMPLE = {"kind": "undersample_frames", "acceleration": 2.5, "acs": [10, 10], "seed": 3}


@pytest.fixture
def spokes(make: Any, write_spokes: Any, moving: Any) -> Any:
    """The series along spokes with its true coil maps, which came with the scan."""
    path = write_spokes(coil_maps=moving.coil_maps[None].astype(np.complex64))
    return make(KIND, path, {"kind": "keep_spokes", "n_spokes": 6, "which": "first"}, kind="given")


@pytest.fixture
def grid(make: Any, write_grid: Any) -> Any:
    return make(KIND, write_grid(), UNDERSAMPLE, crop=0.6)


def test_spokes_are_the_fourier_sum(spokes: Any, moving: Any, spoke_samples: Any, rng: Any) -> None:
    problem = spokes.problem(item=1)
    operator, y = problem.posed(problem.mask)
    assert isinstance(operator, FrameOperator)
    assert_adjoint(operator, rng)
    expected = torch.from_numpy(spoke_samples)
    expected[:, :, 6:] = 0
    scale = float(np.sqrt((np.abs(moving.coil_maps) ** 2).sum(0)).max())
    predicted = operator.forward(torch.from_numpy(moving.images)) * scale
    assert float((predicted - expected).norm() / expected.norm()) < 1e-5
    torch.testing.assert_close(y, 2 * expected, atol=1e-6, rtol=1e-5)
    assert problem.count(problem.mask) == 5 * 3 * 6 * 53
    singles = []
    for frame in range(5):  # the norm is that of the largest frame, by the matrix of its operator
        mask = torch.zeros_like(problem.mask)
        mask[frame] = problem.mask[frame]
        one, _ = problem.posed(mask)
        x = torch.zeros(5, 32, 26, dtype=torch.complex128)
        x[frame] = torch.randn(32, 26, dtype=torch.complex128, generator=rng)
        for _ in range(40):
            x = one.normal(x)
            x = x / x.norm()
        singles.append(float(one.normal(x).norm()) ** 0.5)
    assert max(singles) <= problem.norm <= 1.05 * max(singles)


def test_withheld_spokes_are_whole(spokes: Any) -> None:
    problem = spokes.problem()
    split = spokes.kind.withhold(problem, spokes.calibrated, 0, fraction=0.2, seed=1)
    assert int(split.judged.sum()) == 6 and not (split.given & split.judged).any()
    assert ((split.given | split.judged) == problem.mask).all()
    other = spokes.kind.withhold(problem, spokes.calibrated, 0, fraction=0.2, seed=2)
    assert (other.judged != split.judged).any()


def test_a_perfect_series_predicts_withheld_spokes(spokes: Any, moving: Any) -> None:
    problem = spokes.problem()
    judged = spokes.kind.withhold(problem, spokes.calibrated, 0, fraction=0.1, seed=2).judged
    scale = float(np.sqrt((np.abs(moving.coil_maps) ** 2).sum(0)).max())
    error, norm = misfit(problem, torch.from_numpy(moving.images) * scale, judged)
    assert error / norm < 1e-4
    wrong, _ = misfit(problem, torch.from_numpy(moving.images).flip(0) * scale, judged)
    assert wrong / norm > 0.02


def test_calibration_samples_are_never_withheld(grid: Any) -> None:
    problem = grid.problem()
    split = grid.kind.withhold(problem, grid.calibrated, 0, fraction=0.2, seed=1)
    assert not split.judged[:, 11:21, 8:18].any() and (split.judged.sum((1, 2)) > 10).all()
    assert split.given[:, 11:21, 8:18].all()
    assert (split.judged <= problem.mask).all() and not (split.judged & split.given).any()


@pytest.mark.parametrize("maker", ["write_grid", "write_spokes"])
@pytest.mark.parametrize("kind", ["espirit", "lowres"])
def test_estimated_maps_are_the_true_ones_up_to_phase(
    make: Any, request: Any, moving: Any, maker: str, kind: str
) -> None:
    steps = [UNDERSAMPLE] if maker == "write_grid" else []
    more = {"crop": 0.5} if kind == "espirit" else {}
    made = make(KIND, request.getfixturevalue(maker)(), *steps, kind=kind, **more)
    inside = np.abs(moving.images).min(0) > 0.9
    for maps in made.calibrated.array("maps"):
        assert np.abs((maps.conj() * moving.coil_maps).sum(0))[inside].min() > 0.96
    assert (np.abs(made.calibrated.array("maps")) ** 2).sum(1).max() <= 1 + 1e-5
    assert "averaged over the frames" in made.kind.calibration_text(made.calibrated)


def test_frames_without_a_common_centre_are_averaged_over_those_that_sampled_it(
    make: Any, write_grid: Any, grid_samples: Any, moving: Any
) -> None:
    mask = np.zeros((5, 32, 26), bool)
    for frame in range(5):
        mask[frame, frame % 2 :: 2] = True
    samples = (grid_samples * mask[:, None])[None].astype(np.complex64)
    made = make(KIND, write_grid(mask=mask, samples=samples), kind="lowres", acs=[12, 12])
    inside = np.abs(moving.images).min(0) > 0.9
    likeness = np.abs((made.calibrated.array("maps")[0].conj() * moving.coil_maps).sum(0))[inside]
    assert likeness.min() > 0.9


def test_the_reference_of_a_full_scan_is_each_frame_by_itself(grid: Any, moving: Any) -> None:
    assert grid.kind.complete(grid.prepared)
    found = np.abs(grid.kind.full_image(grid.prepared, grid.calibrated, 0))
    inside = np.abs(moving.images).min(0) > 0.9
    np.testing.assert_allclose(found[:, inside], np.abs(moving.images)[:, inside], rtol=0.03)


def test_spokes_are_never_complete(spokes: Any) -> None:
    assert not spokes.kind.complete(spokes.prepared)
    with pytest.raises(RequestError, match=r"evaluate\.reference fully_sampled must have every sample"):
        spokes.kind.full_image(spokes.prepared, spokes.calibrated, 0)


def test_support_pictures_and_words(grid: Any, spokes: Any) -> None:
    assert grid.kind.support(grid.prepared, grid.calibrated, (32, 26)).shape == (1, 32, 26)
    assert spokes.kind.support(spokes.prepared, spokes.calibrated, (32, 26)).shape == (10, 32, 26)
    assert grid.kind.measured_text(grid.prepared) == "5 frames, 3 coils, k-space 32 x 26"
    assert spokes.kind.measured_text(spokes.prepared) == "5 frames of 6 spokes, 3 coils, 53 samples a spoke"
    assert grid.kind.pictures(grid.prepared, grid.calibrated, [0]).mask.shape == (32, 26)
    assert spokes.kind.pictures(spokes.prepared, spokes.calibrated, [0]).samples.shape == (30, 53)


@pytest.mark.parametrize("made", ["grid", "spokes"])
def test_the_estimate_counts_what_the_operator_holds(
    request: Any, made: str, check_operator_bytes: Any
) -> None:
    check_operator_bytes(request.getfixturevalue(made))


@pytest.mark.parametrize(
    ("maker", "steps", "more", "sentence"),
    [
        ("write_spokes", [], {"kind": "given"}, "must be a file with maps where the scan holds none"),
        ("write_spokes", [], {"acs": [40, 24]}, "calibrate.acs must fit in 32 x 26, got 40 x 24"),
        ("write_grid", [UNDERSAMPLE | {"acs": [4, 4]}], {}, "fully sampled centre of at least 6 x 6"),
        ("write_grid", [UNDERSAMPLE], {"acs": [30, 24]}, "calibrate.acs must be fully sampled, got gaps"),
    ],
)
def test_a_calibration_that_does_not_fit_is_one_sentence(
    make: Any, request: Any, maker: str, steps: list[Any], more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence):
        make(KIND, request.getfixturevalue(maker)(), *steps, **more)
