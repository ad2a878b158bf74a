"""Zingers and rings: found where put, the rest left alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from proxflow.models.tomography.rings import reduce_rings
from proxflow.models.tomography.zingers import remove_zingers

Discs = Callable[..., NDArray[np.float64]]
ANGLES = np.arange(90) * np.pi / 90


@pytest.mark.parametrize("scale", [1.0, 20_000.0])
def test_zingers_are_found_and_nothing_else(discs: Discs, scale: float) -> None:
    random = np.random.default_rng(9)
    clean = np.stack([np.exp(-discs(ANGLES, 110, axis)) for axis in (54.0, 58.0)])
    clean = scale * clean * (1 + random.normal(0, 0.005, clean.shape))
    places = tuple(random.integers(0, size, 30) for size in clean.shape)
    hit = clean.copy()
    hit[places] *= 1.6
    repaired, n_removed = remove_zingers(hit)
    changed = repaired != hit
    assert changed[places].all()
    assert n_removed == changed.sum()
    assert n_removed <= 30 + 0.001 * clean.size
    assert np.abs(repaired - clean)[places].max() < 0.08 * scale
    assert remove_zingers(clean.astype(np.float32))[0].dtype == np.float32
    if scale > 1:
        counts = np.full((5, 7), 1000, np.uint16)
        counts[2, 3] = 60_000
        whole, n = remove_zingers(counts)
        assert (n, whole.dtype, whole[2, 3]) == (1, np.float32, 1000.0)


def test_zinger_numbers_are_checked() -> None:
    for size in (2, 1):
        with pytest.raises(ValueError, match="size must be odd and at least 3"):
            remove_zingers(np.ones((5, 5)), size=size)
    with pytest.raises(ValueError, match="must not be negative"):
        remove_zingers(np.ones((5, 5)), -0.1)


@pytest.mark.parametrize("method", ["sorting", "all"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stripes_are_reduced(discs: Discs, method: str, dtype: type) -> None:
    random = np.random.default_rng(3)
    angles = np.arange(240) * np.pi / 240
    clean = np.stack([discs(angles, 210, 104.0), discs(angles, 210, 100.0)])
    clean = (clean + random.normal(0, 0.01, clean.shape)).astype(dtype)
    stripes = np.zeros(210, dtype)
    stripes[random.choice(np.arange(70, 140), 12, replace=False)] = random.normal(0, 0.15, 12)
    striped = clean + stripes
    before = striped.copy()
    reduced = reduce_rings(striped, 11, method=method)  # type: ignore[arg-type]
    assert (reduced.dtype, reduced.shape) == (dtype, clean.shape)
    np.testing.assert_array_equal(striped, before)
    # What is constant over the angles against the neighbouring columns is the stripe.
    baseline = reduce_rings(clean, 11, method=method)  # type: ignore[arg-type]
    assert np.abs((reduced - baseline).mean(axis=1)).max() < 0.4 * np.abs(stripes).max()
    allowed = {"sorting": 0.5, "all": 0.9}[method]
    assert np.sqrt(((reduced - baseline) ** 2).mean()) < allowed * np.sqrt(((striped - clean) ** 2).mean())
    np.testing.assert_allclose(reduced[1], reduce_rings(striped[1], 11, method=method))  # type: ignore[arg-type]


def test_ring_numbers_are_checked() -> None:
    sinogram = np.ones((30, 40), np.float32)
    for window in (2, 41):
        with pytest.raises(ValueError, match="must be 3 to 40 columns"):
            reduce_rings(sinogram, window)
    with pytest.raises(ValueError, match="must be 3 to 40 columns, got 21 and 51"):
        reduce_rings(sinogram, method="all")
    with pytest.raises(ValueError, match="snr must be above 1"):
        reduce_rings(sinogram, snr=1.0)
