"""A denoiser of single images applied to every frame of a series, real or complex, at the scale it knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from proxflow.models.denoisers.denoiser import Denoiser
from proxflow.models.priors.magnitude_prox import magnitude_prox

ComplexDenoising = Literal["magnitude", "parts"]

PEAK_SHARE = 0.001  # of the pixels, brighter than what counts as the peak: streaks of a start are brighter
LAYERS_HELD = 192  # images of the input's size that a network of 64 channels holds at once: three layers


@dataclass(frozen=True)
class SeriesDenoiser:
    """D of every frame: peak D(f_t / peak), in batches that fit the memory.

    Attributes:
        peak: of the object, > 0; denoisers are given objects of values of about 0 to 1.
        complex_denoising: of complex frames, "magnitude": |f| is denoised and the phase kept
            (``magnitude_prox``); "parts": real and imaginary part, each an image of its own.
        memory_bytes: for the layers of a network of 64 channels; one image is always given.
    """

    denoise: Denoiser
    peak: float
    complex_denoising: ComplexDenoising
    memory_bytes: int

    def __call__(self, series: Tensor) -> Tensor:
        """series: real or complex (T, y, x)."""
        if not series.is_complex():
            return self._real(series)
        if self.complex_denoising == "magnitude":
            return magnitude_prox(series, self._real)
        return torch.complex(self._real(series.real), self._real(series.imag))

    def _real(self, series: Tensor) -> Tensor:
        size = LAYERS_HELD * math.prod(series.shape[1:]) * series.itemsize
        batches = (series / self.peak).split(max(1, self.memory_bytes // size))
        return torch.cat([self.denoise(batch) for batch in batches]) * self.peak


def object_peak(series: Tensor) -> float:
    """The value that one pixel in a thousand of the series' mean over time exceeds in magnitude.

    The mean, because streaks of a first guess change from frame to frame and the object hardly does; its
    magnitudes before the mean, because phases of MRI may change with time. 1 where that is zero.
    """
    mean = series.abs().mean(0).flatten()
    rank = max(1, math.ceil(PEAK_SHARE * len(mean)))
    return float(mean.topk(rank).values[-1]) or 1.0
