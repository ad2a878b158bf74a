"""Directions, edges and places of a box seen from somewhere."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from proxflow.tasks.report.viewpoint import Viewpoint, corners_of, edges_of, fitting

BOUNDS = ((-3.0, 5.0), (0.0, 2.0), (10.0, 14.0))
VIEWS = [Viewpoint(-55.0, 24.0), Viewpoint(35.0, 24.0), Viewpoint(200.0, -40.0)]


@pytest.mark.parametrize("view", VIEWS)
def test_axes_are_a_right_handed_frame_with_z_up(view: Viewpoint) -> None:
    right, up, towards = view.axes()
    np.testing.assert_allclose(view.axes() @ view.axes().T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(right, up), towards, atol=1e-12)
    assert right[2] == 0 and up[2] > 0


def test_from_the_front_x_is_to_the_right() -> None:
    np.testing.assert_allclose(Viewpoint(-90, 0).axes(), [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-12)


@pytest.mark.parametrize("view", VIEWS)
def test_box_fills_the_room_it_has(view: Viewpoint) -> None:
    project = fitting(corners_of(BOUNDS), view, (200.0, 120.0), 20.0)
    places = project(corners_of(BOUNDS))
    low, high = places[:, :2].min(0), places[:, :2].max(0)
    assert (low >= (20 - 1e-9, 20 - 1e-9)).all() and (high <= (180 + 1e-9, 100 + 1e-9)).all()
    assert np.isclose(high - low, (160, 80)).any()
    np.testing.assert_allclose((low + high) / 2, (100, 60))
    up = project(np.array([[0, 0, 10.0], [0, 0, 14.0]]))
    assert up[1, 1] < up[0, 1] and up[1, 0] == pytest.approx(up[0, 0])  # z up: rows count down
    length = np.linalg.norm(np.diff(up, axis=0))
    assert length == pytest.approx(4 * project.scale)  # depth is at the same scale


@pytest.mark.parametrize("view", VIEWS)
def test_rear_edges_are_behind_all_and_the_others_before(view: Viewpoint) -> None:
    rear, front = edges_of(BOUNDS, view)
    assert len(rear) == 3 and len(front) == 9
    shared = set.intersection(*({tuple(end) for end in edge} for edge in rear))
    depth = corners_of(BOUNDS) @ view.axes()[2]
    assert shared == {tuple(corners_of(BOUNDS)[depth.argmin()])}
    # Nothing in the box lies before an edge of a face that looks at the viewer: going on leaves the box.
    towards = view.axes()[2]
    for edge, ahead in itertools.chain(((e, True) for e in rear), ((e, False) for e in front)):
        beyond = edge.mean(0) + 1e-3 * towards
        within = all(low < p < high for p, (low, high) in zip(beyond, BOUNDS, strict=True))
        assert within == ahead
