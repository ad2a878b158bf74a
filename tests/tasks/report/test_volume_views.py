"""Projections of a volume: orientation, scale, place."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.tasks.report.volume_views import volume_views


def test_views_have_the_first_axis_down_and_the_second_across() -> None:
    volume = np.zeros((3, 5, 7))
    volume[0, 4, 2] = 2.0
    views, labels = volume_views(volume, (1.0, 1.0, 1.0))
    assert views.shape == (3, 7, 7) and views.dtype == np.float32
    assert [tuple(map(int, np.argwhere(view)[0])) for view in views] == [
        (1 + 4, 2),  # y, x
        (2 + 0, 2),  # z, x
        (2 + 0, 1 + 4),  # z, y
    ]
    assert views.sum() == 6 and labels[1] == "maximum along y (z down, x across)"


def test_pixels_are_square_with_the_finest_edge() -> None:
    views, _ = volume_views(np.ones((4, 6, 10)), (5.0, 2.5, 2.0))
    assert views.shape == (3, 10, 10)
    filled = [(int(view.any(1).sum()), int(view.any(0).sum())) for view in views]
    assert filled == [(8, 10), (10, 10), (10, 8)]  # 15, 20 and 20 mm in steps of 2 mm, 7.5 rounded
    assert set(np.unique(views)) == {0.0, 1.0}


def test_resampling_keeps_places_and_ramps() -> None:
    ramp = np.arange(1.0, 9.0)[:, None, None] * np.ones((8, 2, 40))
    views, _ = volume_views(ramp, (4.0, 1.0, 1.0))
    row = views[1][:, 20][views[1][:, 20] > 0]
    np.testing.assert_allclose(row[2:-2], (np.arange(32) + 0.5)[2:-2] / 4 + 0.5, rtol=1e-6)


def test_single_planes_and_large_volumes_are_shown() -> None:
    assert volume_views(np.ones((1, 1, 1)), (1.0, 1.0, 1.0))[0].shape == (3, 1, 1)
    assert volume_views(np.ones((2, 1, 3000)), (1.0, 1.0, 1.0))[0].shape == (3, 1024, 1024)
    assert volume_views(np.ones((2, 30, 30)), (500.0, 0.1, 0.1))[0].shape == (3, 1024, 1024)


@pytest.mark.parametrize(
    ("volume", "voxel", "message"),
    [
        (np.ones((2, 2)), (1.0, 1.0, 1.0), "volume must be real"),
        (np.ones((2, 2, 2), complex), (1.0, 1.0, 1.0), "volume must be real"),
        (-np.ones((2, 2, 2)), (1.0, 1.0, 1.0), "volume must not be below 0"),
        (np.ones((2, 2, 2)), (1.0, 0.0, 1.0), "voxel_mm must be three edges above 0"),
    ],
)
def test_what_is_no_volume_is_refused(volume: np.ndarray, voxel: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        volume_views(volume, voxel)
