"""A region restricts every metric to its pixels."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.models.metrics.evaluate import IMAGE_METRICS, evaluate_images
from proxflow.models.metrics.region import broadcast_region, support_region

SHAPE = (2, 32, 25)


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    parts = rng.standard_normal((4, *SHAPE))
    reference = parts[0] + 1j * parts[1]
    return reference + 0.1 * (parts[2] + 1j * parts[3]), reference


def centre() -> np.ndarray:
    region = np.zeros(SHAPE[1:], dtype=bool)
    region[12:20, 9:15] = True
    return region


def test_region_of_every_pixel_changes_nothing(pair: tuple[np.ndarray, np.ndarray]) -> None:
    without = evaluate_images(*pair, names=IMAGE_METRICS)
    everywhere = evaluate_images(*pair, names=IMAGE_METRICS, region=np.ones(SHAPE, dtype=bool))
    assert {n: v.value for n, v in without.items()} == {n: v.value for n, v in everywhere.items()}


def test_error_outside_the_region_is_not_counted(pair: tuple[np.ndarray, np.ndarray]) -> None:
    region = centre()
    spoilt = pair[0].copy()
    spoilt[:, 0, 0] += 100  # further from the region than any kernel reaches
    before = evaluate_images(*pair, names=IMAGE_METRICS, region=region)
    after = evaluate_images(spoilt, pair[1], names=IMAGE_METRICS, region=region)
    for name in IMAGE_METRICS:
        assert after[name].value == pytest.approx(before[name].value, rel=1e-12), name


def test_pixelwise_metrics_in_a_region_equal_those_of_the_pixels_alone(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    region = centre()
    x, gt = (np.abs(a)[:, region] for a in pair)
    values = evaluate_images(*pair, names=("psnr", "nmse"), region=region)
    peak = np.abs(pair[1]).max()
    assert values["psnr"].value == pytest.approx(10 * np.log10(peak**2 / np.mean((x - gt) ** 2)))
    assert values["nmse"].value == pytest.approx(np.sum((x - gt) ** 2) / np.sum(gt**2))


def test_regions_may_differ_by_item(pair: tuple[np.ndarray, np.ndarray]) -> None:
    region = np.zeros(SHAPE, dtype=bool)
    region[0, 5:20, 5:20] = True
    region[1, 10:, :] = True
    both = evaluate_images(*pair, names=("psnr", "ssim", "hfen"), region=region)
    alone = evaluate_images(*pair, names=("psnr", "ssim", "hfen"), region=region[1])
    for name, value in both.items():
        assert value.per_item[1] == pytest.approx(alone[name].per_item[1])


def test_support_is_where_any_coil_map_is_not_zero() -> None:
    maps = np.zeros((3, 5, 4), dtype=np.complex64)
    maps[1, 2, 3] = 1j
    maps[0, 0, 1] = -1
    support = support_region(maps)
    assert support.shape == (5, 4) and support.sum() == 2 and support[2, 3] and support[0, 1]
    assert support_region(maps[None]).shape == (1, 5, 4)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (np.ones((25, 32), dtype=bool), "region must have shape"),
        (np.ones((3, 32, 25), dtype=bool), "region must have shape"),
        (np.ones((32, 25)), "region must be boolean"),
        (np.zeros((32, 25), dtype=bool), "region must hold a pixel of every item"),
    ],
)
def test_unfit_region_is_refused(region: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        broadcast_region(region, SHAPE)
