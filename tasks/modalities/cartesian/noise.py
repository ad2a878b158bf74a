"""The noise standard deviation of prepared samples, and where the figure comes from."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from proxflow.models.calibration.whitening import noise_std_from_border, noise_std_from_corners
from proxflow.tasks.errors import RequestError


def noise_level(samples: Tensor, mask: np.ndarray, noise: Tensor | None, whitened: bool) -> tuple[float, str]:
    """Standard deviation of the complex noise of a sample, sqrt(E|n|^2), and its source in words.

    samples (coil, ky, kx), mask bool (ky, kx), noise (coil, n) in the same coil basis or None.
    """
    if noise is not None:
        level = float(noise.abs().double().square().mean().sqrt())
        return level, "unit noise after whitening" if whitened else "the scan's noise measurement"
    border = "estimated from the border of k-space, an upper bound where signal reaches it"
    if not mask.all():
        return _from_border(samples, mask), border
    try:
        per_coil = noise_std_from_corners(samples)
    except ValueError as error:  # the reason is part of what the report says of the figure
        return _from_border(samples, mask), f"{border}; not from the image's corners: {error}"
    return _over_coils(per_coil), "estimated from the empty corners of the fully sampled coil images"


def _from_border(samples: Tensor, mask: np.ndarray) -> float:
    try:
        return _over_coils(noise_std_from_border(samples, mask=torch.from_numpy(mask)))
    except ValueError as error:
        raise RequestError(f"scan: {error}") from None


def _over_coils(per_coil: Tensor) -> float:
    return float(per_coil.double().square().mean().sqrt())
