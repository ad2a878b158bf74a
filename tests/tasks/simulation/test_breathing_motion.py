"""Breathing: the identity at rest, small steps, which edge stays, one motion whatever the frames."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.tasks.simulation.breathing_motion import breathing_curve, breathing_motion


@pytest.fixture
def body() -> np.ndarray:
    """A smooth-edged ellipse with three bars across, (y, x) of 48 x 40."""
    y, x = np.mgrid[:48, :40].astype(float)
    ellipse = 1 / (1 + np.exp(8 * (((y - 25) / 17) ** 2 + ((x - 20) / 14) ** 2 - 1)))
    return ellipse * (1 + 0.8 * np.cos(y / 2.5) ** 2)


def height_of(frame: np.ndarray) -> tuple[float, float]:
    """Upper and lower end of the object along its middle column, in rows."""
    line = frame[:, 20] > 0.5
    return float(np.flatnonzero(line)[0]), float(np.flatnonzero(line)[-1])


def test_breathing_motion_of_no_amplitude_is_the_identity(body) -> None:
    frames = breathing_motion(body, 5, amplitude=0.0)
    np.testing.assert_allclose(frames, np.broadcast_to(body, frames.shape), atol=1e-12)


def test_breathing_motion_begins_at_the_image_and_comes_back(body) -> None:
    frames = breathing_motion(body, 8, amplitude=4.0, cycles=2)
    np.testing.assert_allclose(frames[[0, 4]], np.stack([body, body]), atol=1e-9)
    assert np.abs(frames[2] - body).max() > 0.3


@pytest.mark.parametrize(("still", "top", "bottom"), [("bottom", -4, 0), ("top", 0, 4)])
def test_breathing_motion_keeps_one_edge(body, still, top, bottom) -> None:
    rest, full = breathing_motion(body, 2, amplitude=4.0, cycles=1, still=still)
    before, after = height_of(rest), height_of(full)
    assert after[0] - before[0] == pytest.approx(top, abs=1)
    assert after[1] - before[1] == pytest.approx(bottom, abs=1)


def test_breathing_motion_between_still_ends_moves_the_middle_down() -> None:
    image = np.tile(np.linspace(0, 1, 41)[:, None], (1, 30))  # its value tells the row
    full = breathing_motion(image, 2, amplitude=5.0, cycles=1, still="ends")[1]
    np.testing.assert_allclose(full[[0, -1]], image[[0, -1]], atol=1e-9)
    assert full[20, 10] == pytest.approx(15 / 40, abs=1e-6)


def test_breathing_motion_moves_in_small_steps_and_is_not_negative(body) -> None:
    frames = breathing_motion(body, 64, amplitude=4.0, cycles=1, irregularity=0.5, seed=3)
    assert frames.min() >= 0
    assert frames.max() <= body.max()
    assert np.abs(np.diff(frames, axis=0)).max() < 0.2 * body.max()


def test_breathing_motion_aligns_series_of_other_lengths(body) -> None:
    kinds = {"amplitude": 3.0, "cycles": 1.5, "irregularity": 0.6, "seed": 4}
    np.testing.assert_allclose(
        breathing_motion(body, 12, **kinds)[::3], breathing_motion(body, 4, **kinds), atol=1e-12
    )


def test_breathing_motion_moves_a_series_frame_by_frame(body) -> None:
    series = np.stack([(1 + t) * body for t in range(4)])
    moved = breathing_motion(series, 4, amplitude=3.0, cycles=1)
    np.testing.assert_allclose(
        moved[2], 3 * breathing_motion(body, 4, amplitude=3.0, cycles=1)[2], atol=1e-12
    )


def test_breathing_curve_is_irregular_by_its_seed() -> None:
    regular, one, again, other = (
        breathing_curve(40, 3, e, seed) for e, seed in ((0, 1), (0.8, 1), (0.8, 1), (0.8, 2))
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - regular).max() > 0.05
    assert np.abs(one - other).max() > 0.05
    for curve in (regular, one, other):
        assert curve[0] == 0
        assert curve.min() >= 0 and curve.max() <= 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"amplitude": 13.0}, "amplitude must be at most a quarter of the rows, 12, got 13"),
        ({"cycles": 5.0}, "cycles must lie between 0 and half the frames, 4, got 5"),
        ({"still": "left"}, "still must be bottom, top or ends, got left"),
        ({"irregularity": 2.0}, "irregularity must lie between 0 and 1, got 2"),
        ({"image": -np.ones((9, 9))}, "image must be finite and not negative"),
    ],
)
def test_breathing_motion_refuses(body, change, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        breathing_motion(**{"image": body, "n_frames": 8, "amplitude": 1.0, **change})
