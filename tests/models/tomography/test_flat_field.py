"""Counts to transmission to attenuation."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.models.tomography.flat_field import minus_log, transmission


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_transmission_undoes_gain_and_offset(lead: tuple[int, ...], dtype: type) -> None:
    random = np.random.default_rng(2)
    truth = random.uniform(0.1, 1.0, (*lead, 7, 11))
    dark = random.integers(90, 110, (*lead, 4, 11)).astype(dtype)
    flat = random.integers(40_000, 50_000, (*lead, 5, 11)).astype(dtype)
    offset, beam = dark.mean(-2, keepdims=True, dtype=float), flat.mean(-2, keepdims=True, dtype=float)
    counts = (offset + truth * (beam - offset)).astype(dtype)
    found, n_dead = transmission(counts, dark, flat)
    assert found.dtype == (np.float64 if dtype == np.float64 else np.float32)
    assert n_dead == 0
    np.testing.assert_allclose(found, truth, atol=3e-5 if dtype == np.uint16 else 1e-6)
    np.testing.assert_allclose(transmission(counts, None, flat)[0], counts / beam, rtol=1e-6)


def test_dead_pixels_are_interpolated_and_counted() -> None:
    ramp = np.tile(np.linspace(0.2, 0.8, 9), (2, 5, 1))
    flat, dark = np.full((2, 1, 9), 1000.0), np.zeros((2, 1, 9))
    flat[0, :, [3, 4]] = 0.0  # no beam
    flat[1, :, 0] = -5.0
    flat[1, :, 8] = 0.0
    counts = ramp * 1000
    counts[0, :, 3:5] = 77.0
    found, n_dead = transmission(counts, dark, flat)
    assert n_dead == 4
    np.testing.assert_allclose(found[0], ramp[0], rtol=1e-12)
    np.testing.assert_allclose(found[1, :, 1:8], ramp[1, :, 1:8], rtol=1e-12)
    np.testing.assert_allclose(
        found[1, :, [0, 8]].T, ramp[1, :, [1, 7]].T, rtol=1e-12
    )  # the nearest live one


def test_wrong_fields_are_named() -> None:
    counts, flat = np.ones((2, 5, 9)), np.full((2, 3, 9), 7.0)
    with pytest.raises(ValueError, match=r"dark must have the items and columns of counts \(2, 5, 9\), got"):
        transmission(counts, np.ones((2, 3, 8)), flat)
    with pytest.raises(ValueError, match="flat must have the items and columns"):
        transmission(counts, None, flat[0])
    flat[1] = 0
    with pytest.raises(ValueError, match="flat must be brighter than dark somewhere in every detector row"):
        transmission(counts, np.zeros((2, 1, 9)), flat)


def test_minus_log_clips_and_counts() -> None:
    samples = np.array([[1.0, np.exp(-2.0), 0.0], [-0.1, 1e-5, np.exp(1.0)]], np.float32)
    attenuation, n_clipped = minus_log(samples)
    assert n_clipped == 3
    assert attenuation.dtype == np.float32
    floor = -np.log(1e-4)
    np.testing.assert_allclose(attenuation, [[0.0, 2.0, floor], [floor, floor, -1.0]], rtol=1e-5, atol=1e-7)
    for smallest in (0.0, 1.0, -1.0):
        with pytest.raises(ValueError, match="smallest must be between 0 and 1"):
            minus_log(samples, smallest=smallest)
