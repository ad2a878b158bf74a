"""Reports of CT stacks, radar volumes and what else is not Cartesian MRI."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
from collections.abc import Callable
from html import unescape

import numpy as np
import pytest
from PIL import Image

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.outline import LINE, borders, outline_picture
from proxflow.tasks.report.panels import measurement_pictures, picture_panel, samples_window
from proxflow.tasks.report.previews import render_previews
from proxflow.tasks.report.render import render_report

Make = Callable[..., ReportInputs]


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


def plain(html: str) -> str:
    """The text of the page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_real_images_are_black_below_zero_with_signed_errors(ct: ReportInputs) -> None:
    panel = picture_panel(ct, 1)
    image = ct.methods[0].image[1]
    shown = np.asarray(decoded(panel.views[0].image))
    assert not shown[image <= 0].any() and (image < 0).any() and shown[image > 0].mean() > 60
    assert ct.reference is not None
    error = image - ct.reference[1]
    index = np.asarray(decoded(panel.views[0].error))
    clear = np.abs(error) > panel.window.upper / panel.window.factor / 100
    assert np.array_equal(index[clear] > 127, error[clear] > 0)


def test_page_of_real_images_names_unit_and_error(ct: ReportInputs) -> None:
    html = render_report(ct)
    text = plain(html)
    assert re.search(r"grey from 0 to [\d.]+ 1/mm", text) and "Error x − ref 1/mm" in text
    assert "values below 0 are black" in text and "Magnitude of" not in html


def test_captions_are_of_the_item_shown(inputs: ReportInputs, showing: Make) -> None:
    two = showing(inputs, (0, 2))
    number = inputs.methods[0].metrics["psnr"].per_item[2]
    assert f"PSNR {number:.2f} dB" in picture_panel(two, 1).views[0].caption
    text = plain(render_report(two))
    assert "2 of 3 items are shown" in text and "All 3 items together" in text


def test_decibels_are_told_with_their_peak(radar: ReportInputs) -> None:
    html = render_report(radar)
    text = plain(html)
    assert "grey from −30 to 0 dB (own peak)" in text and "Error level(x) − level(ref) dB" in text
    assert "0 dB is each method's own peak and the reference's own: brightness does not compare" in text
    assert 'data-decibels="30.0"' in html and "99.9th percentile" not in text
    assert "items are shown" not in text and html.count('class="panel"') == 3
    assert "Shown" in text and "along y" in text


def test_volumes_have_square_pixels_and_three_sizes(radar: ReportInputs) -> None:
    html = render_report(radar)
    assert "5 × 24 × 18, 3 × 1 × 2 mm" in html and f"--aspect:{18 / 24:.5f}" in html
    assert "Region of the metrics" in html and "a disc; along z" in html


def test_scale_is_shown_where_no_reference_has_it(radar: ReportInputs, ct: ReportInputs) -> None:
    page = render_report(dataclasses.replace(radar, reference=None))
    assert page.count('class="scale grey"') == 3 and "reference's own" not in plain(page)
    page = render_report(dataclasses.replace(ct, reference=None))
    assert re.search(r"Grey 0 [\d.]+ 1/mm", plain(page))


def test_borders_lie_on_both_sides_of_a_change() -> None:
    labels = np.zeros((4, 6), np.uint8)
    labels[1:3, 2:] = [[1, 1, 2, 2], [1, 1, 2, 2]]
    drawn = ["".join(".#"[int(mark)] for mark in row) for row in borders(labels)]
    assert drawn == ["..####", ".#####", ".#####", "..####"]
    wide = borders(np.repeat(np.arange(2, dtype=np.uint8), 5)[None], 3)
    assert wide[0].tolist() == [False] * 2 + [True] * 6 + [False] * 2
    assert not borders(np.ones((1, 1), np.uint8)).any()
    assert borders(np.array([[0, 1]], np.uint8), 9).all()


def test_outline_is_a_transparent_line_where_labels_change(ct: ReportInputs) -> None:
    assert ct.outline is not None
    pixels = np.asarray(outline_picture(ct.outline[0]).convert("RGBA"))
    ny, nx = pixels.shape[:2]
    assert ny >= 1000 and ny / nx == pytest.approx(24 / 18)
    visible = pixels[..., 3] > 0
    assert 0 < visible.mean() < 0.05 and (pixels[visible] == (*LINE, 255)).all()
    rows = np.flatnonzero(visible.any(1)) / ny * 24
    assert rows.min() == pytest.approx(5, abs=0.1) and rows.max() == pytest.approx(15, abs=0.1)


def test_outline_is_over_every_image_and_no_error_map(ct: ReportInputs) -> None:
    html = render_report(ct)
    assert html.count('<img class="outline"') == 3 * 4 == len(re.findall(r'class="frame grey', html))
    assert '<button id="outline" type="button" aria-pressed="true">' in html
    assert "Outline: the segmentation." in plain(html)
    without = render_report(dataclasses.replace(ct, outline=None))
    assert '<img class="outline"' not in without and 'id="outline"' not in without


def test_measurement_is_told_in_the_words_given(changed: Make, inputs: ReportInputs) -> None:
    samples = np.linspace(0, 1, 1000 * 90).reshape(1000, 90)
    run = changed(
        samples=samples,
        samples_text="sinogram, angle down",
        mask_text="41 of 90 views",
        measured_text="90 views, fan beam",
        acceleration=None,
        modality="ct",
    )
    text = plain(render_report(run))
    for words in ("ct, 90 views, fan beam", "41 of 90 views", "sinogram, angle down; grey from 0.00500 to"):
        assert words in text, words
    assert "Acceleration" not in text and "fan beam, 3 coils" not in text and "k-space" not in text
    pictures = {kind: (uri, size) for kind, uri, *size in measurement_pictures(run)}
    assert pictures["samples"][1] == [90, 720]
    shown = np.asarray(decoded(pictures["samples"][0]))
    assert shown[0, 0] == 0 and shown[-1, -1] == 255 and shown[360].mean() == pytest.approx(127.5, abs=2)


def test_samples_that_are_all_the_same_have_a_window() -> None:
    assert samples_window(np.full((3, 4), 2.0)) == (2.0, 3.0)


def test_previews_follow_the_same_rules(ct: ReportInputs, radar: ReportInputs) -> None:
    picture = np.asarray(Image.open(io.BytesIO(render_previews(ct)["tv.png"])))
    assert not picture[ct.methods[2].image[0] <= 0].any()
    strip = np.asarray(Image.open(io.BytesIO(render_previews(ct)["comparison.png"])))
    marked = (strip == LINE).all(-1)
    assert marked[38 : 38 + 8 * 24].any() and not marked[38 + 8 * 24 :].any()
    level = np.asarray(Image.open(io.BytesIO(render_previews(radar)["tv.png"])))
    image = np.abs(radar.methods[2].image)
    expected = np.clip(30 + 20 * np.log10(image[0] / image.max()), 0, 30) * 255 / 30
    np.testing.assert_allclose(level, expected, atol=0.51)
