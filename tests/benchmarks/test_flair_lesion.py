"""The lesion that is taken where nobody has drawn one."""

from __future__ import annotations

import numpy as np

from benchmarks.flair_lesion import bright_piece


def test_the_largest_bright_piece_is_found_and_filled() -> None:
    rng = np.random.default_rng(0)
    z, y, x = np.mgrid[:40, :40, :30].astype(float)
    brain = (z - 20) ** 2 + (y - 20) ** 2 + (x - 15) ** 2 < 14**2
    flair = np.where(brain, 100 + 5 * rng.standard_normal(brain.shape), 0.0)
    distance = np.sqrt((z - 22) ** 2 + (y - 24) ** 2 + (x - 15) ** 2)
    flair[distance < 6] += 25
    flair[distance < 2] -= 25  # a dark core belongs to it
    flair[10:12, 18:20, 14:16] += 200  # another piece, smaller
    found = bright_piece(flair)
    truth = distance < 6
    overlap = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    assert overlap > 0.8
    assert found[22, 24, 15] and not found[10, 18, 14]


def test_a_uniform_brain_has_none() -> None:
    assert not bright_piece(np.full((8, 8, 8), 100.0)).any()
    assert not bright_piece(np.zeros((8, 8, 8))).any()
