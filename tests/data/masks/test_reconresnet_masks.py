"""The sampling of ReconResNet: what is always sampled, how much is, and that the seed decides the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from proxflow.data.masks.acceleration import acceleration
from proxflow.data.masks.centre_block import Keeps, centre_mask, cut_lines_mask
from proxflow.data.masks.gaussian_lines import gaussian_line_mask, stepped_line_mask
from proxflow.data.masks.gaussian_points import disc_gaussian_mask, two_gaussian_mask

DISC = partial(disc_gaussian_mask, centre=0.02)
FULL = (256, 256)


def test_every_fourth_line_is_the_shipped_mask() -> None:
    mask = stepped_line_mask(FULL, 4)
    lines = np.flatnonzero(mask[:, 0])
    assert (mask == mask[:, :1]).all()
    assert len(lines) == 71 and round(mask.mean(), 4) == 0.2773
    assert round(acceleration(mask), 2) == 3.61
    assert set(range(123, 133)) <= set(lines) and not mask[[122, 133]].any()
    assert (stepped_line_mask((20, 256), 4, axis=1) == mask.T[:20]).all()


# Shipped: .2734, .1484, .0977 and .0430. Fractions come in steps, by which the seed decides.
@pytest.mark.parametrize(("fraction", "least"), [(0.3, 0.24), (0.15, 0.12), (0.1, 0.08), (0.05, 0.0352)])
@pytest.mark.parametrize("seed", range(8))
def test_lines_of_a_gaussian_have_the_fractions_of_the_shipped_masks(
    fraction: float, least: float, seed: int
) -> None:
    mask = gaussian_line_mask(FULL, fraction, seed=seed)
    assert mask.dtype == bool and (mask == mask[:, :1]).all()
    assert least <= mask.mean() <= fraction
    assert acceleration(mask) == 256 / mask[:, 0].sum()
    assert mask[124:132].all()


@pytest.mark.parametrize("make", [DISC, two_gaussian_mask])
@pytest.mark.parametrize("fraction", [0.3, 0.15, 0.1])
def test_points_of_a_gaussian_have_the_fractions_of_the_shipped_masks(
    make: Callable[..., np.ndarray], fraction: float
) -> None:
    mask = make(FULL, fraction, seed=3)
    assert 0.93 * fraction <= mask.mean() <= fraction
    assert mask[114:142, 114:142].all()


def test_five_percent_of_points_need_the_disc() -> None:
    mask = DISC(FULL, 0.05, seed=0)
    assert 0.0465 <= mask.mean() <= 0.05 and mask[114:142, 114:142].all()
    with pytest.raises(ValueError, match=r"Gaussian of the centre \(at least 0\.09631\), got 0\.05"):
        two_gaussian_mask(FULL, 0.05, seed=0)


def test_the_density_of_points_is_the_stated_one() -> None:
    """F2 at s = 1 is what is left where all that is asked is met at once."""
    masks = [two_gaussian_mask(FULL, 0.9, seed=seed) for seed in range(40)]
    y, x = (np.arange(256) - 128)[:, None], np.arange(256) - 128
    r2 = y**2 + x**2
    density = np.maximum(1.3 * np.exp(-r2 / (2 * 795.775)), 0.6 * np.exp(-r2 / (2 * 159154.9))).clip(max=1)
    rings = [(r2 >= low**2) & (r2 < (low + 12) ** 2) for low in range(0, 120, 12)]
    found = np.mean(masks, axis=0)
    for ring in rings:
        assert abs(found[ring].mean() - density[ring].mean()) < 0.01


def test_the_density_of_lines_is_the_stated_one() -> None:
    masks = np.mean([gaussian_line_mask((256, 1), 0.9, seed=seed)[:, 0] for seed in range(400)], axis=0)
    density = 0.5 * np.exp(-((np.arange(256) - 128) ** 2) / (2 * 128**2))
    density[124:132] = 1
    for block in np.arange(256).reshape(16, 16):
        assert abs(masks[block].mean() - density[block].mean()) < 0.03


MAKERS: dict[str, Callable[..., np.ndarray]] = {
    "lines": gaussian_line_mask,
    "columns": partial(gaussian_line_mask, axis=1),
    "disc": DISC,
    "two": two_gaussian_mask,
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("shape", [(97, 64), (64, 81)])
def test_seed_decides(name: str, shape: tuple[int, int]) -> None:
    first, again, other = (MAKERS[name](shape, 0.3, seed=seed) for seed in (3, 3, 4))
    assert first.shape == shape and (first == again).all() and (first != other).any()
    assert 0 < first.mean() <= 0.3
    assert first[shape[0] // 2, shape[1] // 2]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: gaussian_line_mask(FULL, 0.03, seed=0), r"centre lines \(at least 0.03125\), got 0.03"),
        (lambda: gaussian_line_mask(FULL, 1.5, seed=0), "at most 1 and leave room .*, got 1.5"),
        (lambda: gaussian_line_mask(FULL, 0.3, seed=0, peak=2), "peak must be from 0 to 1, got 2"),
        (lambda: gaussian_line_mask((7, 9), 0.3, seed=0), "at least 8 lines along axis 0"),
        (lambda: stepped_line_mask(FULL, 0), "step must be from 1 to 256, got 0"),
        (lambda: disc_gaussian_mask(FULL, 0.01, seed=0, centre=0.02), "disc of the centre .*, got 0.01"),
        (lambda: disc_gaussian_mask(FULL, float("nan"), seed=0), "got nan"),
        (lambda: centre_mask((9, 4), 0.01), r"at least one point of \(9, 4\), got 0.01"),
        (lambda: centre_mask((9, 4), 0.5, keeps="disc"), "keeps must be lines, aspect or square, got disc"),  # type: ignore[arg-type]
        (lambda: cut_lines_mask((9, 4), 2), "n_lines must be from 0 to 1, got 2"),
    ],
)
def test_impossible_masks_are_refused(make: Callable[[], np.ndarray], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_the_centre_alone_is_left_where_it_is_all_that_is_asked_for() -> None:
    mask = gaussian_line_mask(FULL, 8 / 256, seed=0)
    assert np.flatnonzero(mask[:, 0]).tolist() == list(range(124, 132))


@pytest.mark.parametrize(
    ("keeps", "fraction", "size"),
    [
        ("lines", 0.25, (26, 6)),  # 28 x 8 are 0.28 of 40 x 20
        ("aspect", 0.4, (24, 12)),  # 26 x 14 are 0.455
        ("square", 0.25, (14, 14)),  # 16 x 16 are 0.32
        ("lines", 1.0, (40, 20)),
        ("square", 1.0, (20, 20)),
    ],
)
def test_blocks_of_the_centre(keeps: Keeps, fraction: float, size: tuple[int, int]) -> None:
    mask = centre_mask((40, 20), fraction, keeps=keeps)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert (len(rows), len(columns)) == size and mask.sum() == size[0] * size[1]
    assert (rows[0] + rows[-1], columns[0] + columns[-1]) == (39, 19)  # as much is cut at both ends


def test_lines_are_cut_at_each_border() -> None:
    mask = cut_lines_mask((11, 8), 3)
    assert mask[3:8, 3:5].all() and mask.sum() == 10
