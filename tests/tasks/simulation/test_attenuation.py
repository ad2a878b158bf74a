"""A slice of CT in the field: units, the body alone, in the middle, whole."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.tasks.errors import RequestError
from proxflow.tasks.simulation.attenuation import attenuation_of_hu, body_alone, body_in_field
from proxflow.tasks.simulation.resampling import resampled


@pytest.fixture
def chest() -> np.ndarray:
    """1/mm, (90, 110): an ellipse of water off the middle with a lung in it, on a thin table."""
    y, x = np.mgrid[:90, :110]
    hu = np.full((90, 110), -1000.0)
    hu[((y - 50) / 25) ** 2 + ((x - 60) / 35) ** 2 < 1] = 0
    hu[((y - 48) / 10) ** 2 + ((x - 50) / 9) ** 2 < 1] = -850
    hu[76:78] = 0
    return attenuation_of_hu(hu)


def test_attenuation_of_hu_is_that_of_water_and_air() -> None:
    np.testing.assert_allclose(attenuation_of_hu(np.array([-3000.0, -1000, 0, 1000])), [0, 0, 0.02, 0.04])


def test_body_alone_has_its_lungs_and_no_table(chest) -> None:
    body = body_alone(chest)
    assert body[48, 50] and body[50, 80]
    assert not body[77, 5] and not body[5, 5]


def test_body_in_field_is_whole_and_in_the_middle(chest) -> None:
    placed, pixel_mm = body_in_field(chest, (1.0, 1.0), 48, 3.0)
    body = np.where(body_alone(chest), chest, 0)
    assert placed.sum() * pixel_mm**2 == pytest.approx(body.sum(), rel=0.02)
    rows, columns = np.nonzero(placed > 0.01)
    assert abs(rows.min() + rows.max() - 47) <= 2 and abs(columns.min() + columns.max() - 47) <= 2
    reach = np.hypot(rows - 23.5, columns - 23.5).max()
    assert 17 < reach < 24 - 3


def test_body_in_field_refuses_air_and_motions_beyond_the_field(chest) -> None:
    with pytest.raises(RequestError, match="image must show a body above"):
        body_in_field(np.full((20, 20), 0.001), (1.0, 1.0), 32, 0)
    with pytest.raises(RequestError, match="size must leave room for a body that moves by 14 pixels, got 32"):
        body_in_field(chest, (1.0, 1.0), 32, 14.0)


def test_resampled_minds_pixels_that_are_not_square() -> None:
    ramp = np.add.outer(2.0 * np.arange(20), np.arange(60))  # mm down plus mm across, of pixels 2 x 1 mm
    found = resampled(ramp, (2.0, 1.0), 8, 8.0, (10, 30))
    expected = np.add.outer(np.arange(8) - 3.5, np.arange(8) - 3.5) + 50
    np.testing.assert_allclose(found, expected, atol=1e-9)
