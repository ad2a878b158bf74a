"""What is shown of a run: which items, which values, at which window."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.window import Displayed, displayed, shown_items, window_of

Make = Callable[..., ReportInputs]


@pytest.mark.parametrize(
    ("n_items", "ny", "nx", "count"), [(1, 8, 6, 1), (30, 8, 6, 12), (30, 600, 400, 1), (4, 224, 224, 4)]
)
def test_shown_items_are_spread_within_the_budget(n_items: int, ny: int, nx: int, count: int) -> None:
    items = shown_items(n_items, ny, nx, 3, True)
    assert len(items) == len(set(items)) == count and items[0] == 0
    assert count == 1 or items[-1] == n_items - 1


@pytest.mark.parametrize("n_planes", [3, 12, 32, 33])
@pytest.mark.parametrize("side", [24, 700])
def test_slices_of_volumes_are_from_the_middle_of_equal_parts(n_planes: int, side: int) -> None:
    planes = shown_items(n_planes, side, side, 2, True, inner=True)
    count = 1 if side > 500 else min(n_planes, 12)
    assert len(planes) == count and planes[count // 2] == pytest.approx(
        n_planes / 2, abs=n_planes / count / 2
    )
    assert all(part <= plane * count / n_planes < part + 1 for part, plane in enumerate(planes))
    assert planes == list(range(n_planes)) if count == n_planes else planes[0] > 0


def test_fewer_items_are_shown_of_more_methods_and_with_a_reference() -> None:
    assert len(shown_items(20, 400, 400, 1, False)) == 12
    assert len(shown_items(20, 400, 400, 3, False)) == 4
    assert len(shown_items(20, 400, 400, 3, True)) == 1


def test_complex_images_are_shown_as_magnitudes(inputs: ReportInputs) -> None:
    values = displayed(inputs, 1)
    assert inputs.reference is not None and values.reference is not None
    np.testing.assert_allclose(values.reference, np.abs(inputs.reference[1]))
    np.testing.assert_allclose(values.methods[2], np.abs(inputs.methods[2].image[1]))


def test_real_images_keep_their_sign(ct: ReportInputs) -> None:
    values = displayed(ct, 2)
    assert values.reference is not None and values.reference.min() < 0
    np.testing.assert_array_equal(values.methods[0], ct.methods[0].image[2])


def test_real_reference_of_complex_images_is_compared_as_magnitude(inputs: ReportInputs) -> None:
    assert inputs.reference is not None
    mixed = dataclasses.replace(inputs, reference=-np.abs(inputs.reference))
    values = displayed(mixed, 0)
    assert values.reference is not None and values.reference.min() == 0 < values.reference.max()


def test_decibels_are_below_the_peak_of_the_item_in_each_method(inputs: ReportInputs) -> None:
    image = np.zeros(inputs.shape, complex)
    image[0, 0, :3] = 10j, 1, 1e-9
    image[1, 0, :2] = -100, 1  # a second view of the same item, which holds the peak
    image[2, 0, 0] = 5  # another item
    methods = tuple(
        dataclasses.replace(m, image=scale * image)
        for m, scale in zip(inputs.methods, (1, 7, 0), strict=True)
    )
    run = dataclasses.replace(inputs, methods=methods, reference=3 * image, shown=(0, 0, 1), decibels=60.0)
    first, second, other = (displayed(run, picture) for picture in range(3))
    np.testing.assert_allclose(first.methods[:2, 0, :3], [[40, 20, 0]] * 2, atol=1e-9)
    np.testing.assert_allclose(first.reference, first.methods[0], atol=1e-9)
    assert not first.methods[2].any()  # an image of zeros is black
    assert second.methods[1, 0, 0] == other.methods[0, 0, 0] == 60
    assert window_of(first, 60.0).upper == 60


def test_window_is_of_the_reference_and_factor_fits_the_errors(inputs: ReportInputs) -> None:
    assert inputs.reference is not None
    values = displayed(inputs, 1)
    window = window_of(values, None)
    assert window.upper == pytest.approx(np.percentile(np.abs(inputs.reference[1]), 99.9))
    errors = [np.abs(np.abs(m.image[1]) - np.abs(inputs.reference[1])) for m in inputs.methods]
    assert np.mean(np.stack(errors) > window.upper / window.factor) <= 0.01


@pytest.mark.parametrize("level", [0.0, -3.0])
def test_images_without_a_value_above_zero_have_a_window(level: float) -> None:
    assert window_of(Displayed(np.full((2, 4, 3), level), None), None) == (1.0, 1)
