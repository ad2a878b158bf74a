"""Sampling masks: exact counts, seeded, calibration block kept, distances kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy.spatial import cKDTree

from proxflow.data.masks.acceleration import acceleration, central_block, normalised_distance
from proxflow.data.masks.line_masks import random_line_mask, uniform_line_mask
from proxflow.data.masks.poisson_disc import poisson_disc_mask
from proxflow.data.masks.variable_density import variable_density_mask

POINTS: dict[str, Callable[..., np.ndarray]] = {
    "poisson": poisson_disc_mask,
    "poisson corners": partial(poisson_disc_mask, corners=True),
    "variable density": variable_density_mask,
}
LINES = {"random": random_line_mask, "uniform": uniform_line_mask}


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize(("shape", "rate"), [((97, 64), 3.0), ((64, 81), 5.5), ((50, 50), 2.0)])
def test_points_meet_the_acceleration_to_one_sample(name: str, shape: tuple[int, int], rate: float) -> None:
    mask = POINTS[name](shape, rate, acs_shape=(11, 8), seed=1)
    assert mask.dtype == bool
    assert mask.sum() == round(shape[0] * shape[1] / rate)
    assert acceleration(mask) == mask.size / mask.sum()
    assert mask[central_block(shape, (11, 8))].all()


@pytest.mark.parametrize("make", [*POINTS.values()])
def test_seed_decides_points(make: Callable[..., np.ndarray]) -> None:
    first, again, other = (make((60, 50), 4, acs_shape=(8, 8), seed=seed) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_poisson_points_keep_their_distance() -> None:
    """At least min(r(p), r(q)) apart, r = r_0 (1 + density d) with 25 % jitter: random points are not."""
    shape, density = (120, 97), 1.0
    distance = normalised_distance(shape)

    def nearest(mask: np.ndarray) -> np.ndarray:
        points = np.argwhere(mask & ~central_block(shape, (12, 12)))
        radius = 1 + density * distance[tuple(points.T)]
        gaps, neighbours = cKDTree(points).query(points, k=9)
        return (gaps[:, 1:] / np.minimum(radius[:, None], radius[neighbours[:, 1:]])).min(1)

    kept = nearest(poisson_disc_mask(shape, 8, acs_shape=(12, 12), seed=0, density=density))
    loose = nearest(variable_density_mask(shape, 8, acs_shape=(12, 12), seed=0, power=0))
    # A maximal packing of discs of radius r leaves gaps below 2 r: r_0 >= half the mean gap.
    assert kept.min() > 0.75 * kept.mean() / 2
    assert kept.std() < 0.3 * kept.mean()
    assert loose.std() > 0.3 * loose.mean()


def test_poisson_density_falls_outwards() -> None:
    mask = poisson_disc_mask((128, 128), 5, acs_shape=(0, 0), seed=0)
    distance = normalised_distance((128, 128))
    shares = [mask[(distance >= low) & (distance < low + 0.25)].mean() for low in (0, 0.25, 0.5, 0.75)]
    assert shares == sorted(shares, reverse=True)
    assert not mask[distance > 1].any()


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("axis", [0, 1])
def test_lines_meet_the_acceleration(name: str, axis: int) -> None:
    mask = LINES[name]((96, 75), 4, n_center_lines=8, seed=2, axis=axis)
    lines = mask.any(1 - axis)
    np.testing.assert_array_equal(mask, np.broadcast_to(np.expand_dims(lines, 1 - axis), mask.shape))
    n = (96, 75)[axis]
    assert lines.sum() == round(n / 4)
    assert lines[n // 2 - 4 : n // 2 + 4].all()


def test_uniform_lines_are_evenly_spaced() -> None:
    lines = uniform_line_mask((120, 3), 4, n_center_lines=0, seed=0)[:, 0]
    assert set(np.diff(np.flatnonzero(lines))) == {4}


@pytest.mark.parametrize("make", [*POINTS.values()])
@pytest.mark.parametrize("rate", [0.5, 200, float("nan")])
def test_impossible_accelerations_are_refused(make: Callable[..., np.ndarray], rate: float) -> None:
    with pytest.raises(ValueError, match="acceleration must be at least 1 and leave room for the 24 x 24"):
        make((224, 224), rate, acs_shape=(24, 24), seed=0)


def test_a_full_disc_without_corners_is_refused_with_the_least_acceleration() -> None:
    with pytest.raises(ValueError, match=r"at least 1\.27 with the corners left out"):
        poisson_disc_mask((224, 224), 1.1, acs_shape=(24, 24), seed=0)
