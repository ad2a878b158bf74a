import numpy as np
import pytest

from proxflow.models.methods.view_weights import (
    angular_steps,
    fan_weights,
    off_centre_weights,
    short_side_padding,
)


def test_angular_steps_sum_to_the_arc():
    assert angular_steps(np.array([0.3]), np.pi).steps.tolist() == [np.pi]
    steps, arc_starts = angular_steps(np.array([0.1, 3.0, 0.2, 0.2]), np.pi)  # 3.0 lies 0.24 before 0.1
    assert np.allclose(steps, [0.1708, 0.2416, 0.05, 0.05], atol=1e-4) and np.allclose(arc_starts, [3.0])
    uneven = np.random.default_rng(3).uniform(0, 2 * np.pi, 50)
    assert angular_steps(uneven, 2 * np.pi).steps.sum() == pytest.approx(2 * np.pi)


def test_each_ray_of_a_short_scan_counts_once():
    gamma = np.linspace(-0.3, 0.3, 61)
    angles = np.linspace(0, np.pi + 0.7, 2000)
    weights = fan_weights(angles, gamma)
    for column in (0, 17, 30, 60):
        opposite = np.interp(angles + np.pi - 2 * gamma[column], angles, weights[:, 60 - column], 0, 0)
        earlier = np.interp(angles - np.pi - 2 * gamma[column], angles, weights[:, 60 - column], 0, 0)
        total = (weights[:, column] + opposite + earlier) / angular_steps(angles, 2 * np.pi).steps
        assert np.allclose(total[2:-2], 1, atol=5e-3)


def test_off_centre_weights_of_a_pair_sum_to_one():
    columns = np.arange(-10.0, 31.0)
    weights = off_centre_weights(columns)
    assert np.allclose(weights[:21] + weights[:21][::-1], 1)
    assert np.all(weights[20:] == 1) and weights[0] == 0
    assert np.allclose(off_centre_weights(-columns[::-1]), weights[::-1])


def test_the_short_side_is_padded_to_the_reach_of_the_long_one():
    assert short_side_padding(np.arange(-10.0, 31.0)) == (20, 0)
    assert short_side_padding(np.arange(-30.5, 10.0)) == (0, 21)
    assert short_side_padding(np.arange(-10.0, 10.5)) == (0, 0)
    assert short_side_padding(np.array([3.0])) == (0, 0)
