"""The ramp filter of filtered back-projection."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

Window = Literal["ramp", "hann", "shepp-logan", "cosine"]
CHUNK_BYTES = 256 * 2**20  # of the padded views' spectra held at once


def ramp_filter(
    y: Tensor, spacing_mm: float, *, window: Window = "ramp", fan_step_rad: float | None = None
) -> Tensor:
    """q[n] = spacing sum_m h[n - m] y[m] along the last axis, with the band-limited ramp

        h[0] = 1 / (4 spacing^2),  h[n] = -1 / (pi n spacing)^2 for odd n,  0 for even n,

    times ``window`` in frequency f, with the Nyquist frequency F = 1 / (2 spacing): 1 (ramp),
    (1 + cos(pi f / F)) / 2 (hann), sinc(f / (2 F)) (shepp-logan), cos(pi f / (2 F)) (cosine).

    Args:
        y: real (*batch, column), zero outside; padded to a power of two of at least twice its length.
        fan_step_rad: the angle between columns of a curved detector; h[n] is then multiplied by
            (n step / sin(n step))^2, and ``spacing_mm`` is the step times the source's distance.

    q: the unit of y per mm. Sampled in space, h keeps the mean that a ramp sampled in frequency loses.
    Raises ValueError for an unknown window or a spacing that is not positive.
    Source: Kak & Slaney, Principles of Computerized Tomographic Imaging, sec. 3.3 and 3.4 (1988).
    """
    if window not in get_args(Window):
        raise ValueError(f"window must be one of {', '.join(get_args(Window))}, got {window}")
    if not spacing_mm > 0:
        raise ValueError(f"spacing_mm must be positive, got {spacing_mm}")
    n = y.shape[-1]
    n_padded = max(2, 1 << (2 * n - 1).bit_length())
    response = torch.from_numpy(_response(n_padded, n, spacing_mm, window, fan_step_rad)).to(y)
    lines, result = y.reshape(-1, n), torch.empty_like(y, memory_format=torch.contiguous_format)
    n_lines = max(1, CHUNK_BYTES // (3 * n_padded * y.element_size()))
    pairs = zip(lines.split(n_lines), result.view(-1, n).split(n_lines), strict=True)
    for part, target in pairs:
        spectrum = torch.fft.rfft(part, n_padded)
        target.copy_(torch.fft.irfft(spectrum.mul_(response), n_padded)[:, :n])
    return result


def _response(
    n_padded: int, n: int, spacing_mm: float, window: Window, fan_step_rad: float | None
) -> np.ndarray:
    """spacing times the transform of h, windowed: float64 (n_padded // 2 + 1,), 1/mm."""
    index = np.minimum(np.arange(n_padded), n_padded - np.arange(n_padded))
    kernel = np.zeros(n_padded)
    odd = index % 2 == 1
    kernel[odd] = -1 / (np.pi * index[odd] * spacing_mm) ** 2
    kernel[0] = 1 / (4 * spacing_mm**2)
    if fan_step_rad is not None:
        within = np.minimum(index, n - 1) * fan_step_rad  # beyond n - 1 the kernel meets padding alone
        kernel[1:] *= (within[1:] / np.sin(within[1:])) ** 2
    f = np.linspace(0, 1, n_padded // 2 + 1)  # in Nyquist frequencies
    windows = {
        "ramp": np.ones_like(f),
        "hann": (1 + np.cos(np.pi * f)) / 2,
        "shepp-logan": np.sinc(f / 2),
        "cosine": np.cos(np.pi * f / 2),
    }
    return spacing_mm * np.fft.rfft(kernel).real * windows[window]
