"""A contrast agent: when it comes where, what stays, how many functions of time there are."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.tasks.errors import RequestError
from proxflow.tasks.simulation.contrast_passage import contrast_passage, gamma_variate, tissues


@pytest.fixture
def chest() -> np.ndarray:
    """An ellipse with two lungs, a heart between them, a spine and a vessel, (64, 80) in 1/mm."""
    y, x = np.mgrid[:64, :80].astype(float)
    image = np.where(((y - 32) / 26) ** 2 + ((x - 40) / 36) ** 2 < 1, 0.02, 0.0)
    image[((y - 30) / 17) ** 2 + ((x - 40) / 30) ** 2 < 1] = 0.005
    image[((y - 28) / 12) ** 2 + ((x - 40) / 10) ** 2 < 1] = 0.021
    image[49:54, 37:43] = 0.035
    image[26:28, 14:24] = 0.02
    return image


def test_gamma_variate_peaks_at_one_and_begins_at_nothing() -> None:
    time = np.linspace(0, 1, 1001)
    curve = gamma_variate(time, 0.2, 3.0, 0.1)
    assert curve.max() == pytest.approx(1) and time[curve.argmax()] == pytest.approx(0.5)
    assert not curve[time <= 0.2].any()


def test_tissues_are_lungs_vessels_heart_and_the_rest(chest: np.ndarray) -> None:
    lungs, vessels, heart, other = tissues(chest)
    assert np.sum([lungs, vessels, heart, other], axis=0).max() == 1
    np.testing.assert_array_equal(lungs, chest == 0.005)
    assert (chest[heart] == 0.021).mean() > 0.95
    assert heart.sum() > 0.9 * (chest == 0.021).sum()
    assert vessels[26:28, 14:24].all()
    assert not (lungs | heart | other)[chest == 0.035].any()


def test_agent_comes_to_lungs_then_heart_then_the_rest(chest: np.ndarray) -> None:
    frames = contrast_passage(chest, 100, enhancement=0.4)
    gain = frames / np.maximum(chest, 1e-9) - 1
    peaks = [int(gain[:, mask].mean(1).argmax()) for mask in tissues(chest)]
    assert peaks == [21, 21, 39, 80]
    np.testing.assert_array_equal(frames[0], chest)
    still = ~np.any(tissues(chest), axis=0)
    np.testing.assert_array_equal(frames[:, still], np.broadcast_to(chest[still], (100, still.sum())))
    assert gain.max() == pytest.approx(0.36, abs=1e-3)  # blood is 0.9 of the heart
    values = np.linalg.svd(frames.reshape(100, -1), compute_uv=False)
    assert values[3] > 1e-4 * values[0] and values[4] < 1e-12 * values[0]


def test_frames_are_the_same_passage_whatever_their_number(chest: np.ndarray) -> None:
    np.testing.assert_array_equal(contrast_passage(chest, 8)[3], contrast_passage(chest, 32)[12])


def test_numbers_that_do_not_fit_are_refused(chest: np.ndarray) -> None:
    with pytest.raises(ValueError, match="contrast must lie between 0 and 2, got 3"):
        contrast_passage(chest, 4, enhancement=3)
    with pytest.raises(ValueError, match="attenuation must be"):
        contrast_passage(chest[None], 4)
    with pytest.raises(RequestError, match="must show a body"):
        contrast_passage(0 * chest, 4)
