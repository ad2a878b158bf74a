"""Maps beside an image on the page and among the previews."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from proxflow.tasks.report.inputs import MapPictures, ReportInputs
from proxflow.tasks.report.panels import picture_panel
from proxflow.tasks.report.previews import render_previews
from proxflow.tasks.report.render import render_report
from proxflow.tasks.report.window import map_upper

Make = Callable[..., ReportInputs]
TEXT = "spread of <samples>"


@pytest.fixture
def mapped(inputs: ReportInputs) -> ReportInputs:
    """The made-up run, whose last method also returned a map."""
    rng = np.random.default_rng(1)
    maps = {"std": MapPictures(0.01 * rng.random(inputs.shape).astype(np.float32), TEXT)}
    methods = (*inputs.methods[:2], dataclasses.replace(inputs.methods[2], maps=maps))
    return dataclasses.replace(inputs, methods=methods)


def pixels(address: str) -> np.ndarray:
    data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_map_is_a_picture_with_its_own_window_beside_its_method(mapped: ReportInputs) -> None:
    panel = picture_panel(mapped, 1)
    assert [len(view.maps) for view in panel.views] == [0, 0, 1] and panel.n_columns == 4
    found, values = panel.views[2].maps[0], mapped.methods[2].maps["std"].pictures[1]
    expected = np.clip(values / np.percentile(values, 99.9), 0, 1) * 255
    np.testing.assert_allclose(pixels(found.image), expected, atol=0.51)
    html = render_report(mapped)
    assert "tv: std" in html and "spread of &lt;samples&gt;; grey from 0 to 0.0" in html and "--n:5" in html
    shown = re.findall(r'<div class="frame([^"]*)"><img [^>]*alt="std of tv', html)
    assert shown == [""] * 3  # neither the grey window nor the reference in all places reaches it


def test_previews_have_the_map_of_the_first_picture(mapped: ReportInputs) -> None:
    previews = render_previews(mapped)
    assert Image.open(io.BytesIO(previews["tv-std.png"])).size == (18, 24)
    assert set(previews) - set(render_previews(dataclasses.replace(mapped, methods=mapped.methods[:2]))) == {
        "tv.png", "tv-std.png"
    }  # fmt: skip


def test_maps_that_do_not_fit_are_refused(inputs: ReportInputs) -> None:
    for wrong in (np.ones((1, 24, 18)), np.ones(inputs.shape, complex)):
        method = dataclasses.replace(inputs.methods[0], maps={"std": MapPictures(wrong, TEXT)})
        with pytest.raises(ValueError, match="std of zero_filled must be real of shape"):
            dataclasses.replace(inputs, methods=(method,))


@pytest.mark.parametrize(("values", "upper"), [((0.0, 0.0), 1.0), ((0.0, 2.0), 1.998)])
def test_white_of_a_map_is_above_0(values: tuple[float, ...], upper: float) -> None:
    assert map_upper(np.array(values)) == pytest.approx(upper)


def test_one_bright_voxel_alone_is_white() -> None:
    values = np.zeros(10_000)
    values[7] = 3.0
    assert map_upper(values) == 3.0
