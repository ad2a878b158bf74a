import numpy as np
import pytest

from proxflow.operators.trajectories import radial_trajectory
from proxflow.tasks.modalities.radial.spokes import chosen_spokes, spoke_angles, widest_gap_rad


def test_spread_spokes_leave_no_wide_gap_in_any_order():
    angles = np.arange(64) * np.pi / 64
    for order in (np.arange(64), np.arange(64)[::-1], np.random.default_rng(1).permutation(64)):
        spokes = radial_trajectory(64, 8, 4, angles[order]).numpy()
        chosen = chosen_spokes(spokes, np.arange(64), 24, "spread")
        assert len(set(chosen)) == 24 and (np.diff(chosen) > 0).all()
        assert widest_gap_rad(spokes[chosen]) == pytest.approx(3 * np.pi / 64)
        assert widest_gap_rad(spokes[chosen_spokes(spokes, np.arange(64), 32, "spread")]) == pytest.approx(
            np.pi / 32
        )


def test_first_spokes_are_the_first_of_the_candidates():
    spokes = radial_trajectory(64, 8, 4, "uniform").numpy()
    chosen = chosen_spokes(spokes, np.arange(10, 64), 16, "first")
    assert chosen.tolist() == list(range(10, 26))
    assert widest_gap_rad(spokes[chosen]) == pytest.approx(np.pi * (1 - 15 / 64))
    assert widest_gap_rad(spokes[:1]) == pytest.approx(np.pi)


def test_a_spoke_has_one_angle_in_either_direction():
    spokes = radial_trajectory(5, 8, 4).numpy()
    np.testing.assert_allclose(spoke_angles(spokes[:, ::-1]), spoke_angles(spokes), atol=1e-9)


def test_spokes_from_the_centre_repeat_after_a_whole_turn():
    angle = np.arange(64)[:, None] * np.pi / 32
    radius = np.arange(9)
    spokes = np.stack([radius * np.sin(angle), radius * np.cos(angle)], -1)
    chosen = chosen_spokes(spokes, np.arange(64), 32, "spread")
    assert widest_gap_rad(spokes[chosen]) == pytest.approx(np.pi / 16)
    assert widest_gap_rad(spokes[:32]) == pytest.approx(np.pi * 33 / 32)
