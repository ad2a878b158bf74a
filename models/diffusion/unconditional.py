"""Samples of a diffusion prior alone, which show what it takes images to be."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.diffusion.noise_levels import vp_steps
from proxflow.models.diffusion.priors import DiffusionPrior, denoised
from proxflow.models.diffusion.sampling import drawn_alike, recombined


def unconditional_samples(
    prior: DiffusionPrior,
    shape: tuple[int, int, int],
    *,
    is_complex: bool,
    n_steps: int = 50,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Tensor:
    """Images (n, y, x) of p(x), by DDIM without fresh noise: x' = signal' x0(x) + noise' eps(x), from noise
    that ``seed`` and an image's number decide. float32 or complex64, on the CPU; ``device``: the prior's.

    Source: Song, Meng & Ermon, ICLR 2021, with sigma 0.
    """
    dtype = torch.complex64 if is_complex else torch.float32
    x = drawn_alike(torch.zeros(shape, dtype=dtype, device=device), 2, (seed, 0))
    for step in vp_steps(n_steps, eta=0.0):
        eps = prior(x, step.at)
        x = recombined(denoised(x, eps, step.at), eps, None, step)
    return x.cpu()
