"""Where the voxels of a report's volumes lie, and the slices through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proxflow.operators.voxel_grid import VoxelGrid
from proxflow.tasks.report.drawing import MARK, Drawing, Line, Picture, Text
from proxflow.tasks.report.volume_slices import levels, slice_drawing
from proxflow.tasks.report.volumes import Volumes

SHAPE = (4, 5, 7)
VOXEL = (3.0, 2.0, 1.0)
CENTRE = (30.0, -20.0, 10.0)
PEAK = (1, 4, 2)  # z, y, x


def bright(*places: tuple[int, int, int]) -> np.ndarray:
    volume = np.full(SHAPE, 1e-3, np.float32)
    for k, place in enumerate(places):
        volume[place] = 2.0 / (1 + k)
    return volume


def pictures(drawing: Drawing) -> list[Picture]:
    return [part for part in drawing.parts if isinstance(part, Picture)]


def test_points_are_those_of_the_grid_of_voxels() -> None:
    volumes = Volumes((bright(PEAK),), VOXEL, CENTRE)
    z, y, x = VoxelGrid(SHAPE, VOXEL, CENTRE).axes()
    for place in (PEAK, (0, 0, 0), (3, 4, 6)):
        expected = [float(axis[k]) for axis, k in zip((x, y, z), reversed(place), strict=True)]
        assert volumes.point_mm(place) == pytest.approx(expected)
    assert volumes.bounds_mm == ((6.5, 13.5), (-25.0, -15.0), (24.0, 36.0))


def test_place_is_that_of_the_reference_or_the_first_that_is_not_empty() -> None:
    one, two, none = bright((3, 0, 0)), bright(PEAK), np.zeros(SHAPE)
    assert Volumes((one, two), VOXEL).place == (3, 0, 0)
    assert Volumes((one,), VOXEL, reference=two).place == PEAK
    assert Volumes((none, two), VOXEL).place == PEAK and Volumes((none, two), VOXEL).marked == 1
    assert Volumes((none,), VOXEL).place == (2, 2, 3) and Volumes((none,), VOXEL).marked is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ()}, "methods must hold at least one volume"),
        ({"methods": (np.ones((2, 2)),)}, r"volume must be real \(z, y, x\)"),
        ({"methods": (np.ones(SHAPE, complex),)}, r"volume must be real \(z, y, x\)"),
        ({"reference": np.ones((4, 5, 6))}, r"volume must have shape \(4, 5, 7\), got \(4, 5, 6\)"),
        ({"methods": (-np.ones(SHAPE),)}, "volume must not be below 0, got -1"),
        ({"methods": (np.full(SHAPE, np.nan),)}, "volume must not be below 0, got nan"),
        ({"voxel_mm": (1.0, 0.0, 1.0)}, "voxel_mm must be three edges above 0"),
        ({"antennas_mm": np.ones((3, 2))}, r"antennas_mm must have shape \(antenna, 3\), got \(3, 2\)"),
    ],
)
def test_what_is_no_volume_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Volumes(**({"methods": (np.ones(SHAPE),), "voxel_mm": VOXEL} | changes))


def test_levels_are_below_the_peak_of_the_volume_itself() -> None:
    found = levels(np.array([[[0.0, 1e-9, 0.05, 0.5, 5.0]]]), 40.0)
    np.testing.assert_allclose(found.ravel(), [0, 0, 0, 20, 40], atol=1e-9)
    assert not levels(np.zeros((2, 2, 2)), 40.0).any()


def test_slices_are_the_planes_through_the_place() -> None:
    other = (1, 0, 6)  # in the same plane z
    volume = bright(PEAK, other)
    drawing = slice_drawing(volume, Volumes((volume,), VOXEL, CENTRE), 40.0, "words")
    xy, xz, zy = pictures(drawing)
    shades = [np.asarray(picture.image) for picture in (xy, xz, zy)]
    assert [shade.shape for shade in shades] == [(5, 7), (4, 7), (5, 4)]
    assert {tuple(map(int, at)) for at in np.argwhere(shades[0] > 0)} == {(4, 2), (0, 6)}
    assert shades[0][0, 6] == round(255 * (1 + 20 * np.log10(0.5) / 40))
    assert np.argwhere(shades[1] == 255).tolist() == [[1, 2]] and shades[1].sum() == 255
    assert np.argwhere(shades[2] == 255).tolist() == [[4, 1]] and shades[2].sum() == 255


def test_slices_share_their_scale_and_lie_in_line() -> None:
    volumes = Volumes((bright(PEAK),), VOXEL, CENTRE)
    drawing = slice_drawing(volumes.methods[0], volumes, 40.0, "words")
    xy, xz, zy = pictures(drawing)
    unit = xy.width / 7
    assert (xy.height, xz.width, xz.height) == pytest.approx((10 * unit, 7 * unit, 12 * unit))
    assert (zy.width, zy.height) == pytest.approx((12 * unit, 10 * unit))
    assert xz.left == xy.left and zy.top == xy.top
    assert zy.left > xy.left + xy.width and xz.top > xy.top + xy.height
    for picture in (xy, xz, zy):
        assert (
            picture.left + picture.width <= drawing.width and picture.top + picture.height <= drawing.height
        )


def test_marks_and_ticks_are_at_their_millimetres() -> None:
    volumes = Volumes((bright(PEAK),), VOXEL, CENTRE)
    drawing = slice_drawing(volumes.methods[0], volumes, 40.0, "words")
    xy, xz, zy = pictures(drawing)
    unit = xy.width / 7
    x, y, z = volumes.point_mm(PEAK)
    places = [
        (xy.left + (x - 6.5) * unit, xy.top + (y + 25) * unit),
        (xz.left + (x - 6.5) * unit, xz.top + (z - 24) * unit),
        (zy.left + (z - 24) * unit, zy.top + (y + 25) * unit),
    ]
    marks = [part for part in drawing.parts if isinstance(part, Line) and part.colour == MARK]
    assert len(marks) == 4 * 3
    for line in marks:
        upright = line.start[0] == line.end[0]
        ends = {round(at[upright], 3) for at in (line.start, line.end)}
        assert any(
            line.start[not upright] == pytest.approx(at[not upright])
            and any(abs(end - at[upright]) == pytest.approx(7, abs=0.01) for end in ends)
            for at in places
        )
    words = {part.text: part for part in drawing.parts if isinstance(part, Text)}
    assert {"x / mm", "z / mm", "y", "z", "mm"} <= set(words)
    assert words["−20"].y == pytest.approx(xy.top + 5 * unit) and words["−20"].x < xy.left
    assert words["8"].x == pytest.approx(xz.left + 1.5 * unit) and words["8"].y > xz.top + xz.height


def test_thin_and_empty_volumes_have_slices() -> None:
    for shape in ((1, 9, 9), (9, 1, 9), (1, 1, 1), (61, 2, 2)):
        volumes = Volumes((np.zeros(shape),), VOXEL)
        drawing = slice_drawing(volumes.methods[0], volumes, 40.0, "words")
        assert not any(np.asarray(picture.image).any() for picture in pictures(drawing))
        assert max(drawing.width, drawing.height) < 400
