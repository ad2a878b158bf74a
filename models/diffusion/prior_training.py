"""Training of a diffusion prior: a gradient, and what is measured of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from proxflow.models.diffusion.noise_levels import NoiseLevel, vp_levels
from proxflow.models.diffusion.noisy_images import NoisyImages
from proxflow.models.diffusion.priors import DiffusionPrior
from proxflow.models.diffusion.sampling import drawn
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.trainee import Trainee

JUDGED_TIMES = (50, 200, 400, 500, 600, 800)
MIDDLE = 400, 600  # where images take shape: a prior is worth its weights if it is better than Wiener there
AT_ONCE = 16


def find_noise_gradient(trainee: Trainee, images: NoisyImages, *, mixed: bool) -> float:
    """The gradient of the mean of (eps(x_t, t) - eps)^2, or (v(x_t, t) - v)^2 of a network that predicts v;
    returns that mean, and weights stay as they are.

    ``mixed``: convolutions in bfloat16, weights and the loss in float32.
    Source: Ho, Jain & Abbeel, NeurIPS 2020, eq. 14; Salimans & Ho, ICLR 2022, app. D.
    """
    network = trainee.network
    assert isinstance(network, DiffusionUnet), type(network)
    device = next(network.parameters()).device
    noisy, noise, velocity, times = (part.to(device) for part in images)
    wanted = velocity if network.settings.predicts == "velocity" else noise
    with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        found = network.predict(noisy.contiguous(memory_format=torch.channels_last), times)
    loss = (found.float() - wanted).square().mean()
    trainee.optimiser.zero_grad()
    loss.backward()
    return float(loss.detach())


def noise_errors(prior: DiffusionPrior, images: Tensor, device: str | torch.device = "cpu") -> list[float]:
    """The mean of |eps(x_t, t) - eps|^2 over all channels and images, at each of ``JUDGED_TIMES``: 1 for a
    prior that knows nothing.

    images: real or complex (n, y, x), of which each gets the same noise in every call.
    """
    levels = vp_levels()
    return [_error(prior, images, levels[time], device) for time in JUDGED_TIMES]


def judged_errors(found: Sequence[float], reference: Sequence[float]) -> list[Judged]:
    """A row for each of ``JUDGED_TIMES``, both errors in dB below the noise itself; ``reference``: before."""
    return [
        Judged(str(time), -10 * math.log10(before), -10 * math.log10(after), after)
        for time, before, after in zip(JUDGED_TIMES, reference, found, strict=True)
    ]


def mean_errors(rows: Sequence[Judged]) -> tuple[float, float]:
    """Of the reference and of what was judged, over t in [400, 600]."""
    chosen = [row for row in rows if MIDDLE[0] <= int(row.level) <= MIDDLE[1]]
    before = [10 ** (-row.before / 10) for row in chosen]
    return sum(before) / len(chosen), sum(row.mse for row in chosen) / len(chosen)


def _error(prior: DiffusionPrior, images: Tensor, level: NoiseLevel, device: str | torch.device) -> float:
    total = 0.0
    for start in range(0, len(images), AT_ONCE):
        part = images[start : start + AT_ONCE]
        seeds = ((int(level.time), start + i) for i in range(len(part)))
        noise = torch.stack([drawn(part.shape[1:], part.dtype, seed) for seed in seeds])
        noisy = level.signal * part + level.noise * noise
        found = prior(noisy.to(device), level).cpu()
        total += float((found - noise).abs().square().double().sum())
    n_channels = 2 if images.is_complex() else 1
    return total / (n_channels * images.numel())
