from typing import get_args

import numpy as np
import pytest
import torch

from proxflow.models.methods import ramp_filter as module
from proxflow.models.methods.ramp_filter import Window, ramp_filter


def test_impulse_gives_kak_and_slaneys_kernel():
    y = torch.zeros(9, dtype=torch.float64)
    y[4] = 1.0
    n = np.arange(9) - 4
    odd = -1 / (np.pi * np.where(n == 0, 1, n) * 0.5) ** 2
    expected = 0.5 * np.where(n == 0, 1 / (4 * 0.5**2), np.where(n % 2 == 1, odd, 0))
    assert np.allclose(ramp_filter(y, 0.5), expected, atol=1e-14)


def test_curved_kernel_grows_by_the_angle_over_its_sine():
    y = torch.zeros(40, dtype=torch.float64)
    y[0] = 1.0
    flat, curved = ramp_filter(y, 2.0), ramp_filter(y, 2.0, fan_step_rad=0.03)
    angle = np.arange(1, 40, 2) * 0.03
    assert np.allclose(curved[1::2] / flat[1::2], (angle / np.sin(angle)) ** 2)
    assert curved[0] == pytest.approx(float(flat[0]))


@pytest.mark.parametrize("window", get_args(Window))
def test_windows_multiply_the_ramp_in_frequency(window):
    n, spacing, cycles = 4096, 0.5, 1024  # a quarter of the sampling rate: half the Nyquist frequency
    y = torch.cos(2 * torch.pi * cycles / n * torch.arange(n, dtype=torch.float64))
    q = ramp_filter(y, spacing, window=window)
    factor = {"ramp": 1.0, "hann": 0.5, "shepp-logan": np.sinc(0.25), "cosine": np.cos(np.pi / 4)}[window]
    frequency = cycles / n / spacing
    assert float((q / y)[n // 2 : n // 2 + 1]) == pytest.approx(frequency * factor, rel=2e-3)


def test_no_wrap_around_and_no_mean_lost():
    wide = torch.zeros(3 * 64, dtype=torch.float64)
    wide[64:128] = 1.0
    torch.testing.assert_close(
        ramp_filter(torch.ones(64, dtype=torch.float64), 1.0), ramp_filter(wide, 1.0)[64:128]
    )


def test_batches_single_precision_and_blocks(monkeypatch):
    y = torch.randn(3, 4, 17, generator=torch.Generator().manual_seed(1))
    whole = ramp_filter(y, 0.7)
    monkeypatch.setattr(module, "CHUNK_BYTES", 1000)
    torch.testing.assert_close(ramp_filter(y, 0.7), whole)
    torch.testing.assert_close(whole[1, 2], ramp_filter(y[1, 2].double(), 0.7).float(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(ramp_filter(y.transpose(0, 1), 0.7), whole.transpose(0, 1))
    assert whole.dtype == torch.float32


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="window must be one of ramp, hann"):
        ramp_filter(torch.ones(4), 1.0, window="hamming")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="spacing_mm must be positive, got 0"):
        ramp_filter(torch.ones(4), 0.0)
