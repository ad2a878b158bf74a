"""What ``inspect`` finds in scans whose geometry is known, in words and numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from proxflow.data.open_scan import open_scan
from proxflow.data.radar_cube import AntennaGeometry
from proxflow.tasks.looks.antennas import Antennas
from proxflow.tasks.looks.base import Look
from proxflow.tasks.looks.look import look_at
from proxflow.tasks.looks.tomography import TomographyLook, quick_image
from proxflow.tasks.looks.views import views_of
from proxflow.tasks.scan_picture import write_scan_picture

Make = Callable[..., Path]


def looked(path: Path) -> tuple[Look, dict[str, str]]:
    with open_scan(path) as scan:
        look = look_at(scan)
        return look, dict(look.facts())


@pytest.mark.parametrize(
    ("degrees", "words"),
    [
        (np.arange(181) * 180 / 181, "181 from 0 to 179.01 degrees, ascending, 0.9945 apart: half a turn"),
        (np.arange(720) * 0.5, "a full turn"),
        (np.arange(90) * 1.0, "an arc of 90 degrees, of which half a turn misses 90"),
        (np.arange(230) * 1.0, ": 230 degrees"),
        (-np.arange(90) * 4.0, "descending"),
        ([0.0, 111.2, 222.5, 333.7, 85.0], "in mixed order"),
        ([12.0], "1, at 12 degrees"),
    ],
)
def test_views_are_told_in_degrees(degrees: Any, words: str) -> None:
    assert words in views_of(np.deg2rad(degrees)).text()


def test_axis_is_found_in_a_parallel_scan_and_the_ball_is_where_it_was(ct_scan: Make) -> None:
    look, facts = looked(ct_scan(quantity="counts", axis_column=21.0, views=90))
    assert isinstance(look, TomographyLook)
    assert look.axis_column == pytest.approx(21.0, abs=0.3)
    assert look.axis_known and "found in the sinogram" in facts["axis"]
    assert "3 dark frames and 3 flat frames" in facts["values"]
    assert facts["beam"] == "parallel rays"
    image = quick_image(look)
    y, x = np.meshgrid(23.5 - np.arange(48), np.arange(48) - 23.5, indexing="ij")
    weights = np.where(image > 0.01, image, 0)
    centre = (weights * x).sum() / weights.sum(), (weights * y).sum() / weights.sum()
    assert centre == pytest.approx((3.0, -4.0), abs=0.3)  # y is up
    assert np.median(image[np.hypot(x - 3, y + 4) < 6]) == pytest.approx(0.02, rel=0.05)


def test_fan_tells_distances_and_pixel_at_the_axis(ct_scan: Make) -> None:
    look, facts = looked(ct_scan("fan", degrees=360.0))
    assert "magnification 1.5" in facts["distances"]
    assert facts["image"] == "48 x 48 of 0.6667 mm, 32 mm across"
    assert look.numbers()["image_pixel_mm"] == pytest.approx(2 / 3)
    assert look.numbers()["views"]["covered_deg"] == pytest.approx(360)


def test_cone_is_looked_at_in_its_middle_row(ct_scan: Make) -> None:
    look, facts = looked(ct_scan("cone", degrees=360.0))
    assert "6 rows, 48 columns, 1 mm apart, rows 1 mm" in facts["detector"]
    assert facts["image"].startswith("6 x 48 x 48 of 0.6667 mm")
    assert "row 3" in look.panels()[0].caption
    assert quick_image(look).max() > 0.015  # type: ignore[arg-type]


def test_sizes_that_are_not_told_are_not_made_up(ct_scan: Make) -> None:
    look, facts = looked(ct_scan(sized=False))
    assert "pitch not told" in facts["detector"]
    assert "mm" not in facts["image"]
    assert look.numbers()["column_size_mm"] is None and look.numbers()["image_pixel_mm"] is None


def test_counts_alone_show_the_counts(ct_scan: Make) -> None:
    look, facts = looked(ct_scan(quantity="counts", flats=False))
    assert facts["values"].startswith("counts of the detector")
    assert "does not tell" in facts["axis"]
    assert [panel.caption for panel in look.panels()] == ["counts, item 0"]


def test_series_is_told_by_frames_and_views(series_scan: Make) -> None:
    look, facts = looked(series_scan(16, 2, noise=0.004))
    assert facts["frames"] == "16, of 2 views each; about 38 would be full sampling"
    assert "32 from 0 to " in facts["angles"] and "half a turn" in facts["angles"]
    assert facts["detector"] == "24 columns, 1 mm apart"
    assert facts["reference"] == "an image of 24 x 24 for every frame came with the scan"
    assert look.numbers()["noise_std"] == pytest.approx(0.004, rel=0.25)
    assert look.numbers()["views_per_frame"] == 2
    _, bare = looked(series_scan(8, sized=False, reference=False, centre="pixel"))
    assert "pitch not told" in bare["detector"] and bare["reference"] == "none in the file"
    assert bare["axis"].startswith("column 12.00 of 24, the middle pixel of the detector")


@pytest.mark.parametrize(
    ("array", "arrangement", "planar", "words"),
    [
        ("plane-z", "in front", True, "16 in all, 15 send, 15 receive, 120 pairs (multistatic), in front of"),
        ("plane-x", "in front", True, "in front of the scene"),
        ("thick", "in front", False, "in front of the scene"),
        ("ring", "around", True, "around the scene"),
        ("flown", "flown past", True, "each sends and receives (monostatic), 16 channels, past a scene"),
    ],
)
def test_arrangement_of_antennas(
    radar_scan: Make, array: str, arrangement: str, planar: bool, words: str
) -> None:
    look, facts = looked(radar_scan(array))
    assert look.numbers()["arrangement"] == arrangement
    assert look.antennas.planar == planar  # type: ignore[attr-defined]
    assert words in facts["antennas"]
    unit = "m" if array == "flown" else "mm"
    assert facts["bounding box"].split()[-1] == unit


def test_hemisphere_is_around_with_and_without_its_apex() -> None:
    turn, tilt = np.meshgrid(np.arange(8) * np.pi / 4, np.deg2rad([0, 30, 60]))
    shell = np.stack([np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)], -1).reshape(
        -1, 3
    )
    pairs = np.stack(np.triu_indices(len(shell), 1), -1)
    for places in (shell, np.concatenate([shell, [[0, 0, 1.0]]])):
        geometry = AntennaGeometry(places, places, pairs, np.array([1e9, 2e9]))
        assert Antennas(geometry).arrangement == "around"


def test_radar_tells_resolution_range_and_background(radar_scan: Make) -> None:
    look, facts = looked(radar_scan("ring", background=True))
    assert facts["frequencies"] == "12 from 2 to 6 GHz in steps of 363.6 MHz"
    assert facts["range"].startswith("resolution 37.47 mm (c/2B), unambiguous over 412.2 mm in air")
    assert facts["background"].startswith("came with the scan; less it, ")
    assert look.numbers()["range_resolution_m"] == pytest.approx(0.03747, rel=1e-3)


def test_response_peaks_at_the_range_of_the_point(radar_scan: Make) -> None:
    look, _ = looked(radar_scan("plane-z", frequencies=60))
    ranges, response = look.impulse_response()  # type: ignore[attr-defined]
    assert ranges[response.argmax()] == pytest.approx(0.26, abs=0.02)  # m, half the way there and back


def test_spokes_are_held_against_full_sampling(radial_scan: Make) -> None:
    look, facts = looked(radial_scan(20, n=24))
    assert facts["spokes"] == "20; a matrix of 24 takes 38 (pi/2 n): 1.9 times undersampled"
    assert "oversampled 2 times" in facts["trajectory"]
    assert "240 x 240 mm" in facts["size"]
    assert look.numbers()["acceleration"] == pytest.approx(1.9)
    _, bent = looked(radial_scan(40, bent=True))
    assert "not straight" in bent["spokes"]


def test_picture_tells_size_and_values(picture_file: Make) -> None:
    look, facts = looked(picture_file())
    assert facts["pictures"] == "1 item x 34 y x 29 x, float32"
    assert facts["values"] == "40 to 200" and facts["items"] == "blocks"
    assert look.numbers()["largest"] == 200


@pytest.mark.parametrize(
    ("fixture", "how", "n_panels"),
    [
        ("ct_scan", {}, 2),
        ("ct_scan", {"beam": "cone", "degrees": 360.0}, 2),
        ("series_scan", {}, 2),
        ("radar_scan", {}, 2),
        ("radar_scan", {"frequencies": 1}, 1),
        ("radial_scan", {}, 2),
        ("picture_file", {}, 1),
    ],
)
def test_pictures_stand_side_by_side(
    request: pytest.FixtureRequest, tmp_path: Path, fixture: str, how: dict[str, Any], n_panels: int
) -> None:
    look, _ = looked(request.getfixturevalue(fixture)(**how))
    panels = look.panels()
    assert len(panels) == n_panels
    for panel in panels:
        assert panel.grey.dtype == np.uint8 and panel.grey.max() == 255
    write_scan_picture(tmp_path / "scan.png", panels)
    with Image.open(tmp_path / "scan.png") as picture:
        assert picture.height == 384 + 22 + 24
        assert picture.width > 300 * n_panels
