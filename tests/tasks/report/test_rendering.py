"""Surfaces as a picture: where they are, what hides what, the box around them."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.tasks.report.drawing import Dot, Drawing, Line, Picture, Text
from proxflow.tasks.report.isosurface import isosurface
from proxflow.tasks.report.rendering import PIXELS, Box, Surface, common_height, rendering, shaded
from proxflow.tasks.report.viewpoint import Projection, Viewpoint, corners_of, fitting

VIEW = Viewpoint(-55.0, 24.0)
VOXEL, CENTRE = (2.0, 2.0, 2.0), (10.0, 0.0, 0.0)
BOUNDS = ((-20.0, 20.0), (-20.0, 20.0), (-10.0, 30.0))
NONE = np.zeros((0, 3))
RED, GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def ball(
    point: tuple[float, float, float], radius: float, colour: tuple[float, float, float], opacity: float = 1.0
) -> Surface:
    axes = [np.arange(20) * 2.0 - 19 + middle for middle in CENTRE]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    away = np.sqrt((x - point[0]) ** 2 + (y - point[1]) ** 2 + (z - point[2]) ** 2)
    return Surface(isosurface(np.maximum(0, 2 - away / radius), 1.0, VOXEL, CENTRE), colour, opacity)


def projection(view: Viewpoint = VIEW) -> Projection:
    return fitting(corners_of(BOUNDS), view, (320.0, 272.0), 38.0)


@pytest.mark.parametrize("point", [(10.0, -8.0, 20.0), (-9.0, 11.0, 0.0)])
def test_ball_is_a_disc_where_its_middle_is(point: tuple[float, float, float]) -> None:
    project = projection()
    alpha = np.asarray(shaded([ball(point, 6.0, RED)], project))[..., 3]
    row, column = np.argwhere(alpha > 0).mean(0) + 0.5
    at = project(np.array([point]))[0] * PIXELS
    assert (column, row) == pytest.approx((at[0], at[1]), abs=1.0)
    area = np.pi * (6.0 * project.scale * PIXELS) ** 2
    assert (alpha > 0).sum() == pytest.approx(area, rel=0.05)
    assert set(np.unique(alpha)) == {0, 255}


def test_what_is_nearer_hides_what_is_behind() -> None:
    project = projection()
    towards = VIEW.axes()[2]
    middle = np.array([0.0, 0.0, 10.0])
    near, far = middle + 9 * towards, middle - 9 * towards
    both = ball(tuple(near), 5.0, RED).mesh, ball(tuple(far), 5.0, RED).mesh
    assert len(both[0].faces) and len(both[1].faces)
    column, row = (project(middle)[:2] * PIXELS).astype(int)
    volume = [ball(tuple(far), 5.0, GREEN), ball(tuple(near), 5.0, RED)]  # drawn later lies above
    red, green, _, alpha = np.asarray(shaded(volume, project))[row, column]
    assert alpha == 255 and red > 80 and green < 0.6 * red


def test_core_shines_through_its_shell() -> None:
    point, project = (0.0, 0.0, 10.0), projection()
    core, shell = ball(point, 4.0, RED), ball(point, 9.0, GREEN, 0.3)
    column, row = (project(np.array(point))[:2] * PIXELS).astype(int)
    picture = np.asarray(shaded([core, shell], project)).astype(int)
    inner, ring = picture[row, column], picture[row, column + round(6.5 * project.scale * PIXELS)]
    assert inner[3] == 255 and inner[0] > inner[1] > 0
    assert 0 < ring[3] < 200 and ring[1] > ring[0]
    rim = picture[row, column + round(8.6 * project.scale * PIXELS)]
    assert rim[3] > ring[3]  # seen at a slant a shell is thicker


def test_light_comes_from_the_upper_left() -> None:
    point, project = (0.0, 0.0, 10.0), projection()
    picture = np.asarray(shaded([ball(point, 8.0, RED)], project)).astype(int)
    column, row = (project(np.array(point))[:2] * PIXELS).astype(int)
    away = round(4.5 * project.scale * PIXELS)
    assert picture[row - away, column - away, 0] > picture[row + away, column + away, 0] + 40


def parts(drawing: Drawing, kind: type) -> list:
    return [part for part in drawing.parts if isinstance(part, kind)]


def test_box_has_edges_and_axes_in_mm() -> None:
    drawing = rendering([], Box(BOUNDS, NONE), VIEW, "words")
    picture = parts(drawing, Picture)[0]
    before = drawing.parts[: drawing.parts.index(picture)]
    assert len(before) == 3 and all(isinstance(part, Line) for part in before)
    assert not np.asarray(picture.image).any()
    texts = parts(drawing, Text)
    assert [text.text for text in texts if "mm" in text.text] == ["x / mm", "y / mm", "z / mm"]
    numbers = {text.text for text in texts if "mm" not in text.text}
    assert {"0", "20"} <= numbers and numbers <= {"−20", "−10", "0", "10", "20", "30"}
    assert all(0 <= text.x <= drawing.width and 0 <= text.y <= drawing.height for text in texts)


def test_numbers_grow_along_their_axes() -> None:
    drawing = rendering([], Box(((0.0, 50.0), (100.0, 150.0), (200.0, 250.0)), NONE), VIEW, "words")
    places = {part.text: (part.x, part.y) for part in parts(drawing, Text)}
    assert places["40"][0] > places["0"][0]  # x to the right
    assert places["140"][0] > places["100"][0] and places["140"][1] < places["100"][1]  # y to the rear
    assert places["240"][1] < places["200"][1] and places["240"][0] == pytest.approx(places["200"][0])


def test_marks_before_the_middle_are_drawn_over_the_surfaces() -> None:
    towards = VIEW.axes()[2]
    marks = np.array([[0, 0, 10.0] + 25 * towards, [0, 0, 10.0] - 25 * towards])
    drawing = rendering([], Box(BOUNDS, marks), VIEW, "words")
    middle = drawing.parts.index(parts(drawing, Picture)[0])
    over, under = sorted(parts(drawing, Dot), key=drawing.parts.index, reverse=True)
    assert drawing.parts.index(under) < middle < drawing.parts.index(over)
    assert over.colour != under.colour


@pytest.mark.parametrize(
    "bounds", [((0, 10), (0, 10), (0, 2)), ((0, 2), (0, 9), (0, 40)), ((0, 30), (0, 1), (0, 9))]
)
def test_drawing_is_no_higher_than_its_box(bounds: tuple[tuple[float, float], ...]) -> None:
    box, views = Box(bounds, NONE), (VIEW, Viewpoint(35.0, 24.0))
    height = common_height(box, views)
    for view in views:
        tight, loose = (fitting(box.shown, view, (320.0, h), 38.0) for h in (height, 272.0))
        assert tight.scale == pytest.approx(loose.scale, rel=0.01)
    rows = [np.ptp(fitting(box.shown, view, (320.0, height), 38.0)(box.shown)[:, 1]) for view in views]
    assert max(rows) == pytest.approx(height - 76, abs=1.0)
    drawing = rendering([], box, VIEW, "words", height)
    assert parts(drawing, Picture)[0].image.size == (640, 2 * height)
