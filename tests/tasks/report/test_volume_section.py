"""Volumes on the page: which drawings there are, and what is said of them."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.previews import render_previews
from proxflow.tasks.report.render import render_report
from proxflow.tasks.report.volume_section import antenna_marks, contents, volume_section
from proxflow.tasks.report.volumes import Volumes

SHAPE = (5, 9, 8)
Make = Callable[..., ReportInputs]


def noisy(seed: int, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    volume = np.random.default_rng(seed).random(shape).astype(np.float32) * 0.2
    volume[shape[0] // 2, 1:3, -2] = 1.0
    return volume


@pytest.fixture
def shown(radar: ReportInputs) -> Make:
    """``shown(**fields)``: the run of three methods with their volumes, fields of ``Volumes`` replaced."""

    def make(**fields: Any) -> ReportInputs:
        given = {"methods": tuple(noisy(k) for k in range(3)), "voxel_mm": (4.0, 4.0, 4.0)} | fields
        return dataclasses.replace(radar, volumes=Volumes(**given))

    return make


def page_of(inputs: ReportInputs) -> str:
    return render_report(inputs, None, volume_section(inputs))


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def section_of(html: str) -> str:
    found = re.search(r'<section id="volume".*?</section>', html, re.DOTALL)
    assert found
    return found[0]


def test_every_method_has_slices_and_two_views(shown: Make) -> None:
    html = section_of(page_of(shown()))
    drawings = [ElementTree.fromstring(text) for text in re.findall(r'<svg class="drawing".*?</svg>', html)]
    labels = [drawing.attrib["aria-label"] for drawing in drawings]
    assert len(labels) == len(set(labels)) == 3 * 3
    assert labels[0] == "Slices of zero_filled in dB through (x, y, z) = (10, −12, 0) mm"
    assert labels[3] == "Surfaces of zero_filled at −3 and −10 dB in their box, seen from azimuth −55°"
    text = plain(html)
    assert "Blue lines cross where zero_filled has its largest magnitude, in the same place for all" in text
    assert "−3 dB" in text and "−10 dB, translucent" in text and "antennas" not in text
    assert "Grey −30 0 dB (own peak)" in text and "2 voxels ≥ −3 dB, 2 ≥ −10 dB" in text


def test_reference_comes_first_and_decides_the_place(shown: Make) -> None:
    reference = np.zeros(SHAPE)
    reference[4, 8, 0] = 3.0
    run = shown(reference=reference)
    section = volume_section(run)
    assert section and [view.name for view in section.views] == ["reference", "zero_filled", "cg_sense", "tv"]
    assert [view.series for view in section.views] == [None, 0, 1, 2]
    assert section.place == "(x, y, z) = (−14, 16, 8) mm"
    text = plain(section_of(page_of(run)))
    assert "where the reference has its largest magnitude" in text and "1 voxel ≥ −3 dB" in text


def test_flat_volumes_have_slices_alone(shown: Make) -> None:
    html = section_of(page_of(shown(methods=tuple(noisy(k, (1, 9, 8)) for k in range(3)))))
    assert html.count('<svg class="drawing"') == 3 and "Slices of" in html
    assert "urface" not in html and "−10 dB" not in html


@pytest.mark.parametrize("shape", [SHAPE, (2, 2, 2)])
def test_empty_volumes_are_said_to_be(shown: Make, shape: tuple[int, int, int]) -> None:
    text = plain(section_of(page_of(shown(methods=(np.zeros(shape),) * 3))))
    assert "in the middle of the box, as every volume is empty" in text and text.count(" empty ") == 3
    one = plain(section_of(page_of(shown(methods=(np.zeros(shape), np.ones(shape), np.ones(shape))))))
    assert "where cg_sense has its largest magnitude" in one and "zero_filled empty" in one


def test_runs_without_volumes_have_no_such_section(radar: ReportInputs) -> None:
    assert volume_section(radar) is None
    assert 'id="volume"' not in page_of(radar) and ".drawing" not in page_of(radar)


def test_item_is_named_where_there_are_several(shown: Make, sized: Make) -> None:
    run = dataclasses.replace(sized(), decibels=40.0, volumes=dataclasses.replace(shown().volumes, item=2))
    assert "In space: slice 2" in plain(page_of(run)) and "In space: " not in plain(page_of(shown()))


def test_names_are_escaped(shown: Make) -> None:
    run = shown()
    run = dataclasses.replace(
        run, methods=(dataclasses.replace(run.methods[0], name='<a "b">'), *run.methods[1:])
    )
    assert "<a " not in page_of(run)


def test_page_stays_small(shown: Make) -> None:
    rng = np.random.default_rng(0)
    worst = tuple(rng.random((31, 31, 31)).astype(np.float32) ** 8 for _ in range(3))  # surfaces everywhere
    sizes = [
        len(text) for text in re.findall(r'<svg class="drawing".*?</svg>', page_of(shown(methods=worst)))
    ]
    assert max(sizes) < 200_000
    assert max(len(text) for text in re.findall(r'<svg class="drawing".*?</svg>', page_of(shown()))) < 30_000


def test_contents_count_the_voxels_at_a_level() -> None:
    volume = np.array([[[5.0, 5 * 10**-0.1, 5 * 10**-0.4, 5 * 10**-0.6, 0.0]]])
    assert contents(volume) == "2 voxels ≥ −3 dB, 3 ≥ −10 dB" and contents(0 * volume) == "empty"


def test_near_antennas_are_where_they_are() -> None:
    ring = np.array([[20.0, 0, 0], [-20, 0, 0], [0, 20, 5], [20.0, 0, 0]])
    marks, words = antenna_marks(Volumes((noisy(0),), (4.0, 4.0, 4.0), antennas_mm=ring))
    assert words == "antennas" and {tuple(mark) for mark in marks} == {tuple(one) for one in ring}
    assert antenna_marks(Volumes((noisy(0),), (4.0, 4.0, 4.0)))[1] == ""


def test_far_antennas_are_directions() -> None:
    middle = np.array([1.0, 2.0, 300.0])
    far = np.array([[-200.0, 0, 0], [200, 40, 0], [10, 10, 10]])
    volumes = Volumes((noisy(0),), (4.0, 4.0, 4.0), (300.0, 2.0, 1.0), antennas_mm=far)
    marks, words = antenna_marks(volumes)
    distances = np.linalg.norm(far - middle, axis=1)
    ends = f"{distances.min():.3g} to {distances.max():.3g}"
    assert words == f"directions of the antennas, which are {ends} mm from the middle of the box"
    away = (marks - middle) / np.linalg.norm(marks - middle, axis=1, keepdims=True)
    expected = {tuple(row.round(6)) for row in (far - middle) / distances[:, None]}
    assert {tuple(row.round(6)) for row in away} == expected
    assert np.ptp(np.linalg.norm(marks - middle, axis=1)) < 1e-9
    many = np.random.default_rng(0).standard_normal((5000, 3)) * 1000
    assert len(antenna_marks(dataclasses.replace(volumes, antennas_mm=many))[0]) == 240


def test_pictures_are_written_beside_the_others(shown: Make) -> None:
    run = shown()
    previews = render_previews(run, None, volume_section(run))
    assert {"slices.png", "surfaces.png", "comparison.png", "tv.png"} <= set(previews)
    surfaces = np.asarray(Image.open(io.BytesIO(previews["surfaces.png"])))
    section = volume_section(run)
    assert section
    height = section.views[0].renderings[0].height
    assert surfaces.shape == (2 * (height * 2 + 40), 4 * 320 * 2, 3)  # six views, four in a row
    assert (surfaces[..., 2].astype(int) - surfaces[..., 0] > 30).any()  # something blue
    flat = shown(methods=tuple(noisy(k, (1, 9, 8)) for k in range(3)))
    assert "surfaces.png" not in render_previews(flat, None, volume_section(flat))
    clash = dataclasses.replace(run.methods[0], name="slices")
    run = dataclasses.replace(run, methods=(clash, *run.methods[1:]))
    assert "slices-2.png" in render_previews(run, None, volume_section(run))


def test_volumes_that_do_not_fit_the_run_are_refused(shown: Make) -> None:
    with pytest.raises(ValueError, match=r"one of 1 items by 3 methods, got item 0 by 2"):
        shown(methods=(noisy(0), noisy(1)))
    with pytest.raises(ValueError, match="got item 1 by 3"):
        shown(item=1)
    with pytest.raises(ValueError, match="volumes must be shown in decibels"):
        dataclasses.replace(shown(), decibels=None)
