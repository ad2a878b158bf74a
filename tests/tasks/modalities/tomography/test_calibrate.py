"""Where the axis of rotation comes from, and what is refused before a method runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.registry import modality


def column(made: Any) -> tuple[float, str]:
    document = made.calibrated.document("calibration")
    return document["axis_column"], document["source"]


@pytest.mark.parametrize("true", [21.7, 25.0])
def test_axis_is_found_in_the_sinogram(make: Any, write_ct: Any, discs: Any, true: float) -> None:
    samples = discs(axis_column=true)[None].repeat(2, 0).astype("float32")
    made = make("ct", write_ct(samples=samples))
    found, source = column(made)
    assert found == pytest.approx(true, abs=0.15)
    assert source == "found in the sinogram"
    assert f"at column {found:.2f}" in made.kind.calibration_text(made.calibrated)


def test_the_recipe_s_axis_comes_before_the_file_s(make: Any, write_ct: Any) -> None:
    path = write_ct("fan", axis_column=20.0)
    assert column(make("ct", path)) == (20.0, "as the scan's file has it")
    assert column(make("ct", path, axis_column=22.5)) == (22.5, "as given in the recipe")
    assert column(make("ct", write_ct("fan"))) == (
        23.5,
        "the middle of the detector, since the file does not tell",
    )


@pytest.mark.parametrize(
    ("beam", "more", "sentence"),
    [
        (
            "parallel",
            {"axis_column": 48.0},
            "calibrate.axis_column must lie on the detector, 0 to 47, got 48",
        ),
        ("cone", {"backend": "matrix"}, "calibrate.backend must be auto, rays or torch for a cone beam"),
    ],
)
def test_what_does_not_fit_is_refused(
    make: Any, write_ct: Any, beam: str, more: dict[str, Any], sentence: str
) -> None:
    samples = np.ones((1, 3, 60, 20), np.float32) if beam == "cone" else None
    with pytest.raises(RequestError, match=sentence):
        make("ct", write_ct(beam, samples), **more)


@pytest.mark.parametrize(
    ("beam", "image", "sentence"),
    [
        ("fan", {"voxel_mm": 6}, "calibrate: source_origin_mm must be above"),
        ("parallel", {"matrix": [4, 48, 48]}, r"image.matrix must be \(y, x\) for a parallel beam"),
        ("parallel", {"centre_mm": [0, 0, 1]}, "image.centre_mm must be left out for ct"),
        ("parallel", {"voxel_mm": [1, 2, 2]}, "image.voxel_mm must be one number for ct"),
    ],
)
def test_image_grids_that_do_not_fit_are_refused(
    make: Any, write_ct: Any, beam: str, image: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence):
        make("ct", write_ct(beam), image=image)


@pytest.mark.parametrize(
    ("beam", "method", "fits"),
    [
        ("parallel", "fbp", True),
        ("fan-curved", "fbp", True),
        ("cone", "fbp", False),
        ("fan", "fdk", False),
        ("cone", "fdk", True),
        ("cone", "cgls", True),
    ],
)
def test_fbp_and_fdk_are_for_their_beams(write_ct: Any, beam: str, method: str, fits: bool) -> None:
    scan = {"acquisition": {"beam": beam}}
    if fits:
        modality("ct").check_method(method, scan)
        return
    with pytest.raises(RequestError, match=f"{method} must be of a .* beam, got {beam}"):
        modality("ct").check_method(method, scan)
