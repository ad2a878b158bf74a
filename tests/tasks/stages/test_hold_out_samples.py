"""Held-out samples: a fraction of those measured outside the calibration region, whole lines for lines."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.tasks.modalities.cartesian.held_out import held_out_samples


def points_mask(rng: np.random.Generator) -> np.ndarray:
    mask = rng.random((31, 22)) < 0.4
    mask[11:20, 7:15] = True
    return mask


def test_points_are_a_fraction_of_the_samples_outside_the_centre() -> None:
    mask = points_mask(np.random.default_rng(0))
    held = held_out_samples(mask, fraction=0.1, acs=(9, 8), seed=3)
    outside = mask.copy()
    outside[11:20, 7:15] = False
    assert not (held & ~outside).any()
    assert held.sum() == round(0.1 * outside.sum())


@pytest.mark.parametrize("axis", [0, 1])
def test_lines_are_held_out_whole(axis: int) -> None:
    lines = np.random.default_rng(1).random(40) < 0.5
    lines[16:24] = True
    mask = np.broadcast_to(np.expand_dims(lines, axis), (40, 21) if axis == 1 else (21, 40)).copy()
    held = held_out_samples(mask, fraction=0.2, acs=(8, 8), seed=0)
    by_line = held.all(axis)
    np.testing.assert_array_equal(held, np.broadcast_to(np.expand_dims(by_line, axis), held.shape))
    assert by_line.sum() == round(0.2 * (lines.sum() - 8))
    assert not by_line[16:24].any()
    assert not (by_line & ~lines).any()


def test_seed_decides() -> None:
    mask = points_mask(np.random.default_rng(0))
    first, again, other = (held_out_samples(mask, fraction=0.1, acs=(9, 8), seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_tiny_fractions_still_hold_out_one() -> None:
    mask = points_mask(np.random.default_rng(0))
    assert held_out_samples(mask, fraction=1e-6, acs=(9, 8), seed=0).sum() == 1
