"""Preparation of radar: the background, the frequencies that are kept, the box of voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proxflow.tasks.errors import RequestError

IMAGE = {"matrix": [5, 7, 9], "voxel_mm": 10, "centre_mm": [300, 0, 0]}
SUBTRACT = {"kind": "subtract_background"}


def test_background_is_subtracted_scene_by_scene(prepared: Any, write_radar: Any) -> None:
    _, scan, done = prepared("radar", write_radar(), SUBTRACT, image=IMAGE)
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples") - scan.array("background"))
    assert "background subtracted" in done.document("scan")["notes"]


@pytest.mark.parametrize(
    ("n", "chosen"), [(4, [0, 3, 6, 9]), (12, range(12)), (5, [0, 2, 4, 6, 8]), (1, [0]), (2, [0, 11])]
)
def test_frequencies_are_kept_in_the_largest_equal_step(
    prepared: Any, write_radar: Any, n: int, chosen: Any
) -> None:
    step = {"kind": "keep_frequencies", "n_frequencies": n}
    _, scan, done = prepared("radar", write_radar(), step, image=IMAGE)
    np.testing.assert_array_equal(done.array("frequencies_hz"), scan.array("frequencies_hz")[list(chosen)])
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples")[:, list(chosen)])
    assert done.shape("mask") == (n, 16) and done.array("mask").all()
    assert done.document("scan")["retrospective"] == (n < 12)


def test_steps_follow_one_another(prepared: Any, write_radar: Any) -> None:
    steps = [{"kind": "keep_frequencies", "n_frequencies": n} for n in (6, 3)]
    _, scan, done = prepared("radar", write_radar(), *steps, image=IMAGE)
    np.testing.assert_array_equal(done.array("frequencies_hz"), scan.array("frequencies_hz")[[0, 4, 8]])


def test_planes_of_the_box_are_counted_on_from_scene_to_scene(prepared: Any, write_radar: Any) -> None:
    _, _, done = prepared("radar", write_radar(), image=IMAGE | {"voxel_mm": [20, 10, 5]})
    document = done.document("scan")
    assert document["planes"] == 5
    assert document["geometry"]["matrix"] == [7, 9]
    assert document["geometry"]["slices"] == list(range(10))
    assert document["geometry"]["field_of_view_mm"] == pytest.approx([20, 70, 45])
    assert document["grid"]["centre_m"] == pytest.approx([0.3, 0, 0])


@pytest.mark.parametrize(
    ("steps", "image", "changes", "sentence"),
    [
        ([SUBTRACT], IMAGE, {"background": None}, "must have a background in the scan, got none"),
        ([], {}, {}, r"image must give matrix \(z, y, x\) and voxel_mm for radar, which no scan tells"),
        ([], {"matrix": [7, 9], "voxel_mm": 10}, {}, r"image must give matrix \(z, y, x\)"),
        (
            [{"kind": "keep_frequencies", "n_frequencies": 13}],
            IMAGE,
            {},
            "keep_frequencies n_frequencies must be at most 12, got 13",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    prepared: Any, write_radar: Any, steps: Any, image: Any, changes: Any, sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence):
        prepared("radar", write_radar(**changes), *steps, image=image)
