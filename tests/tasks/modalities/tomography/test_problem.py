"""One CT item as a method meets it: exact operators, views withheld, the image from all views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from proxflow.data.sinogram import ScanGeometry
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.tomography.geometry import is_complete
from proxflow.tasks.stages.solve import misfit

FLAT_BEAMS = ["parallel", "fan", "fan-curved"]
AXIS = {"axis_column": 21.7}  # far from the middle of the detector, 23.5


def disc_image(n: int = 48, pixel: float = 0.7) -> torch.Tensor:
    """The scan's discs, upright: each pixel the mean over 5 x 5 points of it."""
    points = (np.arange(5 * n) - (5 * n - 1) / 2) * pixel / 5
    fine = 0.02 * (points[:, None] ** 2 + points**2 < 11.0**2)
    fine = fine + 0.03 * ((-points[:, None] - 3.0) ** 2 + (points - 4.0) ** 2 < 3.0**2)
    return torch.from_numpy(fine.reshape(n, 5, n, 5).mean((1, 3)))


@pytest.mark.parametrize("beam", FLAT_BEAMS)
def test_operator_has_the_scan_s_geometry(
    make: Any, write_ct: Any, rng: Any, check_norm: Any, beam: str
) -> None:
    made = make("ct", write_ct(beam, **AXIS))
    problem = made.problem()
    operator, y = problem.posed(problem.mask)
    assert y.dtype == torch.float64
    assert_adjoint(operator, rng, dtype=torch.float64)
    check_norm(operator, problem.norm)
    error = (operator.forward(disc_image()) - y).norm() / y.norm()
    assert error < 0.02
    turned = (operator.forward(disc_image().flip(0)) - y).norm() / y.norm()
    assert turned > 0.1


def test_cone_operator_is_adjoint_and_bounded(make: Any, write_ct: Any, rng: Any, check_norm: Any) -> None:
    samples = np.ones((1, 4, 60, 20), np.float32)
    made = make("ct", write_ct("cone", samples), image={"matrix": [5, 18, 17], "voxel_mm": 0.9})
    problem = made.problem()
    operator, y = problem.posed(problem.mask)
    assert operator.domain_shape == (5, 18, 17) and y.shape == (4, 60, 20)
    assert_adjoint(operator, rng, dtype=torch.float64)
    check_norm(operator, problem.norm)


@pytest.mark.parametrize("beam", FLAT_BEAMS)
def test_a_part_of_the_views_is_a_part_of_the_problem(make: Any, write_ct: Any, beam: str) -> None:
    made = make("ct", write_ct(beam), {"kind": "keep_angles", "every": 2})
    problem = made.problem(item=1)
    everything, y_all = problem.posed(torch.ones(60, dtype=torch.bool))
    operator, y = problem.posed(problem.mask)
    x = disc_image()
    torch.testing.assert_close(operator.forward(x), everything.forward(x)[::2])
    torch.testing.assert_close(y, y_all[::2])
    assert problem.count(problem.mask) == 30 * 48


@pytest.mark.parametrize("beam", [*FLAT_BEAMS, "cone"])
def test_views_are_withheld_whole_and_once(make: Any, write_ct: Any, beam: str) -> None:
    samples = np.ones((1, 3, 60, 20), np.float32) if beam == "cone" else None
    made = make("ct", write_ct(beam, samples), {"kind": "keep_angles", "arc_deg": 90, "start_deg": 9})
    problem = made.problem()
    split = made.kind.withhold(problem, made.calibrated, 0, fraction=0.2, seed=4)
    assert not (split.given & split.judged).any()
    assert torch.equal(split.given | split.judged, problem.mask)
    assert int(split.judged.sum()) == round(0.2 * int(problem.mask.sum()))
    other = made.kind.withhold(problem, made.calibrated, 0, fraction=0.2, seed=5)
    assert not torch.equal(other.judged, split.judged)


def test_a_perfect_image_predicts_withheld_views(make: Any, write_ct: Any) -> None:
    """On samples that the operator itself made, up to their rounding to float32."""
    first = make("ct", write_ct(**AXIS)).problem()
    x = disc_image()
    consistent = first.posed(first.mask)[0].forward(x).numpy()[None].astype(np.float32)
    made = make("ct", write_ct(samples=consistent, **AXIS))
    problem = made.problem()
    judged = made.kind.withhold(problem, made.calibrated, 0, fraction=0.1, seed=0).judged
    error, norm = misfit(problem, x, judged)
    assert error / norm < 1e-6
    assert misfit(problem, 0 * x, judged)[0] == pytest.approx(norm)


def test_a_single_view_cannot_be_spared(make: Any, write_ct: Any) -> None:
    made = make("ct", write_ct(), {"kind": "keep_angles", "every": 100})
    with pytest.raises(RequestError, match="held_out_fraction must be 0 where nothing can be spared"):
        made.kind.withhold(made.problem(), made.calibrated, 0, fraction=0.1, seed=0)


@pytest.mark.parametrize("beam", FLAT_BEAMS)
def test_full_image_is_from_every_view(make: Any, write_ct: Any, beam: str) -> None:
    made = make("ct", write_ct(beam), {"kind": "keep_angles", "every": 6})
    assert made.kind.complete(made.prepared)
    image = made.kind.full_image(made.prepared, made.calibrated, 1)
    assert image[24, 24] == pytest.approx(1.5 * 0.02, rel=0.03)  # the second item is 1.5 times the first
    row, column = round(23.5 - 3 / 0.7), round(23.5 + 4 / 0.7)
    assert image[row, column] == pytest.approx(1.5 * 0.05, rel=0.03)
    inside = made.kind.support(made.prepared, made.calibrated, (48, 48))[0]
    difference = (torch.from_numpy(image) - 1.5 * disc_image()).numpy()[inside]
    assert np.sqrt((difference**2).mean()) < 0.1 * 1.5 * 0.02


@pytest.mark.parametrize(
    ("beam", "degrees", "complete"),
    [
        ("parallel", np.arange(0, 180, 3), True),
        ("parallel", np.arange(60) * 111.25, True),  # golden angles
        ("parallel", np.arange(0, 120, 2), False),
        ("parallel", np.r_[0:90:3, 180:270:3], False),  # the same half of the lines from both ends
        ("fan", np.arange(0, 360, 6), True),
        ("fan", np.arange(0, 208, 3), True),  # half a turn and the opening, 23.7 degrees
        ("fan", np.arange(0, 180, 3), False),
        ("fan", np.r_[0:150:3, 200:350:3], False),
    ],
)
def test_a_reference_needs_every_line(beam: str, degrees: np.ndarray, complete: bool) -> None:
    lengths = {} if beam == "parallel" else {"source_origin_mm": 80.0, "source_detector_mm": 120.0}
    geometry = ScanGeometry(beam, np.deg2rad(degrees), column_size_mm=1.05, **lengths)  # type: ignore[arg-type]
    assert is_complete(geometry, 48) == complete


@pytest.mark.parametrize("beam", FLAT_BEAMS)
def test_support_is_the_disc_that_all_views_see(make: Any, write_ct: Any, beam: str) -> None:
    made = make("ct", write_ct(beam, **AXIS))
    support = made.kind.support(made.prepared, made.calibrated, (48, 48))[0]
    # Up to the nearer edge of the detector, seen from the axis: 22.2 columns of 0.7 mm at the axis.
    reach = 22.2 * 0.7
    if beam != "parallel":
        gamma = 22.2 * 1.05 / 120
        reach = 80 * np.sin(gamma if beam == "fan-curved" else np.arctan(gamma))
    assert support.sum() * 0.7**2 == pytest.approx(np.pi * reach**2, rel=0.02)
    np.testing.assert_array_equal(support, support[::-1, ::-1])


@pytest.mark.parametrize("backend", ["rays", "matrix"])
def test_the_estimate_counts_what_the_operator_holds(
    make: Any, write_ct: Any, check_operator_bytes: Any, backend: str
) -> None:
    check_operator_bytes(make("ct", write_ct(), backend=backend))


def test_pictures_show_the_views_and_the_segmentation(make: Any, write_ct: Any) -> None:
    labels = np.zeros((2, 96, 96), np.uint8)
    labels[0, 10:20, 60:90] = 3  # at half the pixel, on the same field of view
    path = write_ct(fields={"labels_image": labels, "image_pixel_mm": 0.35})
    made = make("ct", path, {"kind": "keep_angles", "every": 2})
    shown = made.kind.pictures(made.prepared, made.calibrated, [0, 1])
    np.testing.assert_array_equal(shown.samples, made.prepared.array("samples")[0])
    assert "the methods were given 30 of these views" in shown.samples_text
    expected = np.zeros((2, 48, 48), np.uint8)
    expected[0, 5:10, 30:45] = 3
    np.testing.assert_array_equal(shown.outline, expected)
    assert made.kind.measured_text(made.prepared) == "parallel beam, 30 of 60 views of 48 columns"
