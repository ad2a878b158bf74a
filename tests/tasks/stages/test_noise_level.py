"""Which samples the noise level comes from, and that the text beside it says so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from proxflow.operators.fourier import fft2c
from proxflow.tasks.modalities.cartesian.noise import noise_level

EVERY = np.ones((96, 80), dtype=bool)


@pytest.fixture
def image() -> Tensor:
    """Three coil images of noise, E|n|^2 = 4."""
    return 2 * torch.randn(3, 96, 80, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))


def test_empty_corners_give_the_level_of_a_fully_sampled_scan(image: Tensor) -> None:
    image[:, 30:60, 30:60] += 50
    level, source = noise_level(fft2c(image), EVERY, None, whitened=False)
    assert level == pytest.approx(2, rel=0.05)
    assert source.startswith("estimated from the empty corners")


def test_signal_in_a_corner_falls_back_on_the_border_and_says_why(image: Tensor) -> None:
    image[0, :12, :10] += 9
    level, source = noise_level(fft2c(image), EVERY, None, whitened=False)
    assert level == pytest.approx(2, rel=0.1)
    assert "border of k-space" in source and "corners of a coil image must agree" in source


def test_undersampled_scans_use_the_border(image: Tensor) -> None:
    mask = EVERY.copy()
    mask[1::2] = False
    level, source = noise_level(fft2c(image) * torch.from_numpy(mask), mask, None, whitened=False)
    assert level == pytest.approx(2, rel=0.1)
    assert source.startswith("estimated from the border of k-space")
    assert "corners" not in source
