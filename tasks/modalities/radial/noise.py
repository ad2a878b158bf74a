"""The noise level of non-Cartesian samples, and where the figure comes from."""

from __future__ import annotations

import torch
from torch import Tensor

OUTER = 0.1  # part of a readout at each end where a scan holds least signal
RAYLEIGH_MEDIAN = 0.8325546111576977  # median |n| of complex noise with E|n|^2 = 1: sqrt(ln 2)


def noise_level(samples: Tensor, noise: Tensor | None, whitened: bool) -> tuple[float, str]:
    """Standard deviation of the complex noise of a sample, sqrt(E|n|^2), and its source in words.

    samples (coil, spoke, readout), noise (coil, n) in the same coil basis or None.
    """
    if noise is not None:
        level = float(noise.abs().double().square().mean().sqrt())
        return level, "unit noise after whitening" if whitened else "the scan's noise measurement"
    width = max(1, int(samples.shape[-1] * OUTER))
    ends = torch.cat([samples[..., :width], samples[..., -width:]], dim=-1).flatten(1)
    per_coil = ends.abs().double().median(dim=1).values / RAYLEIGH_MEDIAN
    level = float(per_coil.square().mean().sqrt())
    return level, "from the ends of the readouts, an upper bound where signal reaches them"
