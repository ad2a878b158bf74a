"""Preparation and calibration of a series: frames kept, grids, references, axes and models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.configs.catalogue import recipe_path
from proxflow.configs.errors import RecipeError
from proxflow.configs.loading import load_recipe
from proxflow.tasks.errors import RequestError

KIND = "ct-dynamic"


def test_no_steps_change_nothing(prepared: Any, series_scan: Any) -> None:
    _, scan, done = prepared(KIND, series_scan(16, 2, items=2))
    np.testing.assert_array_equal(done.array("samples"), scan.array("samples"))
    np.testing.assert_array_equal(done.array("reference"), scan.array("reference"))
    document = done.document("scan")
    assert done.array("mask").shape == (16, 2) and done.array("mask").all()
    assert (document["planes"], document["retrospective"]) == (16, False)
    assert document["geometry"]["matrix"] == [24, 24]
    assert document["geometry"]["field_of_view_mm"][1:] == [24, 24]
    assert len(document["geometry"]["slices"]) == 32  # a plane for every frame of both items
    assert document["noise_std"] == pytest.approx([0.002] * 2, rel=0.35)


def test_frames_are_kept(prepared: Any, series_scan: Any) -> None:
    path = series_scan(16)
    _, scan, first = prepared(KIND, path, {"kind": "keep_frames", "n_frames": 5})
    np.testing.assert_array_equal(first.array("samples"), scan.array("samples")[:, :5])
    _, _, done = prepared(KIND, path, {"kind": "keep_frames", "n_frames": 9, "every": 3})
    for name in ("samples", "reference"):
        np.testing.assert_array_equal(done.array(name), scan.array(name)[:, [0, 3, 6]])
    angles = scan.document("scan")["acquisition"]["angles_rad"]
    document = done.document("scan")
    assert document["acquisition"]["angles_rad"] == [angles[i] for i in (0, 3, 6)]
    assert document["planes"] == 3 and done.array("mask").shape == (3, 1)
    assert "3 of 16 frames kept, of the first 9, every 3 frames" in document["notes"]
    with pytest.raises(RequestError, match="prepare keep_frames n_frames must be at most 16, got 17"):
        prepared(KIND, path, {"kind": "keep_frames", "n_frames": 17})


def test_a_reference_of_other_pixels_is_left_out_and_said_so(prepared: Any, series_scan: Any) -> None:
    _, _, done = prepared(KIND, series_scan(image_pixel_mm=0.5))
    assert "reference" not in done
    assert "the scan's reference of 24 x 24 pixels of 0.5 mm is not compared with" in str(
        done.document("scan")["notes"]
    )
    _, _, done = prepared(KIND, series_scan(image_pixel_mm=1.0), image={"matrix": [20, 24]})
    assert "reference" not in done and done.document("scan")["geometry"]["matrix"] == [20, 24]


def test_lengths_that_are_not_told_are_columns(prepared: Any, series_scan: Any) -> None:
    _, _, done = prepared(KIND, series_scan(sized=False))
    document = done.document("scan")
    assert document["acquisition"]["column_size_mm"] == 1.0
    assert "lengths are in detector columns" in str(document["notes"])


@pytest.mark.parametrize(
    ("changes", "config", "expected"),
    [
        ({}, {}, (11.5, "joseph", "the middle of the detector, since the file does not tell")),
        ({"axis_column": 10.25}, {}, (10.25, "joseph", "as the scan's file has it")),
        ({"axis_column": 10.25}, {"axis_column": 13}, (13.0, "joseph", "as given in the recipe")),
        ({"centre": "pixel"}, {}, (12.0, "bilinear", "the middle pixel of the detector")),
        ({"centre": "pixel"}, {"model": "joseph"}, (12.0, "joseph", "the middle pixel of the detector")),
        ({"centre": "pixel", "axis_column": 11.0}, {}, (11.0, "joseph", "as the scan's file has it")),
        ({"axis_column": 12.0}, {"model": "bilinear"}, (12.0, "bilinear", "as the scan's file has it")),
    ],
)
def test_axis_and_model(
    make: Any, series_scan: Any, changes: dict[str, Any], config: dict[str, Any], expected: Any
) -> None:
    made = make(KIND, series_scan(**changes), **config)
    document = made.calibrated.document("calibration")
    assert (document["axis_column"], document["model"]) == expected[:2]
    assert expected[2] in document["source"]
    assert f"at column {expected[0]:.2f}" in made.kind.calibration_text(made.calibrated)


def test_auto_takes_joseph_where_the_grid_is_another(make: Any, series_scan: Any) -> None:
    made = make(KIND, series_scan(centre="pixel"), image={"matrix": [20, 20]})
    assert made.calibrated.document("calibration")["model"] == "joseph"


@pytest.mark.parametrize(
    ("config", "image", "sentence"),
    [
        ({"axis_column": 24.0}, {}, "calibrate.axis_column must lie on the detector, 0 to 23, got 24"),
        ({"model": "bilinear"}, {}, "bilinear must have its axis at column 12, got 11.5; joseph takes any"),
        (
            {"model": "bilinear", "axis_column": 12},
            {"voxel_mm": 0.5},
            "bilinear must have an image of 24 x 24 pixels of 1 mm, .* got 24 x 24 of 0.5 mm",
        ),
        ({}, {"matrix": [4, 24, 24]}, "image.matrix must be"),
        ({}, {"centre_mm": [0, 0, 1]}, "image.centre_mm must be left out"),
    ],
)
def test_what_does_not_fit_is_refused(
    make: Any, series_scan: Any, config: dict[str, Any], image: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence):
        make(KIND, series_scan(), image=image, **config)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("prepare=[{kind: minus_log}]", "must go with scan.kind ct-dynamic, got minus_log, which is for ct"),
        ("calibrate={kind: rotation}", "calibrate must go with scan.kind ct-dynamic, got rotation"),
        ("reconstruct={method: fbp}", "reconstruct must go with scan.kind ct-dynamic, got fbp"),
        ("evaluate.metrics=[nrmse_complex]", "must be a metric of real images for scan.kind ct-dynamic"),
        ("scan.schedule=spiral", "scan.schedule must be bit_reversed, golden, linear or random"),
        ("scan.schedule=random(1.5)", "scan.schedule must be bit_reversed, golden, linear or random"),
        ("scan.kind=mri-cartesian", "scan.schedule must be left out for scan.kind mri-cartesian"),
    ],
)
def test_recipes_that_do_not_fit_a_series(change: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        load_recipe(recipe_path(Path("dynamic-ct-red-psm")), [change])
