"""Angle schedules: check 3 of the method's specification, and the definitions in words."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.data.schedules import bit_reversed, golden, linear, random, schedule_angles


def test_bit_reversal_of_eight() -> None:
    np.testing.assert_allclose(bit_reversed(8) * 8 / np.pi, [0, 4, 2, 6, 1, 5, 3, 7], atol=1e-12)


@pytest.mark.parametrize("bits", range(11))
def test_bit_reversal_is_a_permutation_of_the_linear_angles(bits: int) -> None:
    n = 2**bits
    np.testing.assert_allclose(np.sort(bit_reversed(n)), linear(n), atol=1e-12)
    order = np.rint(bit_reversed(n) * n / np.pi).astype(int)
    np.testing.assert_array_equal(order[order], np.arange(n))  # to reverse twice is to do nothing


@pytest.mark.parametrize("n", [0, 3, 100, -4])
def test_bit_reversal_needs_a_power_of_two(n: int) -> None:
    with pytest.raises(ValueError, match=f"bit_reversed must have a power of two of projections, got {n}$"):
        bit_reversed(n)


def test_others_are_as_defined() -> None:
    np.testing.assert_allclose(np.rad2deg(golden(5)), [0, 111.25, 222.5, 333.75, 85.0])
    np.testing.assert_allclose(np.rad2deg(linear(4)), [0, 45, 90, 135])
    drawn = random(1000, seed=3)
    assert 0 <= drawn.min() < 0.02 and np.pi - 0.02 < drawn.max() < np.pi
    assert not np.array_equal(drawn, random(1000, seed=4))


def test_schedules_by_name() -> None:
    for name, angles in (("bit_reversed", bit_reversed(16)), ("golden", golden(16)), ("linear", linear(16))):
        np.testing.assert_array_equal(schedule_angles(name, 16), angles)
    np.testing.assert_array_equal(schedule_angles("random(7)", 16), random(16, 7))
    np.testing.assert_array_equal(schedule_angles("random", 16), random(16, 0))
    for name in ("bitreversed", "random(-1)", "random(99999999999)", "random(x)", ""):
        with pytest.raises(ValueError, match="schedule must be one of bit_reversed, golden"):
            schedule_angles(name, 16)
