"""The state of the decomposed diffusion sampler, and the pieces its step is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from proxflow.models.diffusion.noise_levels import NoiseLevel, SamplingStep
from proxflow.models.diffusion.priors import DiffusionPrior


class SamplerState(NamedTuple):
    """All that goes from one step to the next; per-item numbers, of the samples' mean: float64."""

    x: Tensor  # (samples, *batch, *domain), at the noise level of the next step
    image: Tensor  # denoised, and brought near the data
    d: Tensor  # of ``axial_tv_sweep``, else empty
    u: Tensor
    steps: Tensor  # int64: done
    misfit: Tensor  # ||A mean - y||^2
    change: Tensor  # ||mean - the mean before||^2


def drawn(shape: Sequence[int], dtype: torch.dtype, seed: Sequence[int]) -> Tensor:
    """Gaussian noise, of unit variance in every real channel, that the numbers of ``seed`` decide alone."""
    rng = np.random.default_rng(list(seed))
    real = np.float64 if dtype in (torch.float64, torch.complex128) else np.float32
    noise = torch.from_numpy(rng.standard_normal((*shape, 2) if dtype.is_complex else tuple(shape), real))
    return torch.view_as_complex(noise) if dtype.is_complex else noise


def drawn_alike(x: Tensor, n_axes: int, seed: Sequence[int], first_item: int = 0) -> Tensor:
    """Noise for every item of x (samples, *batch, *domain), decided by ``seed``, the item's number, from
    ``first_item`` on, and the number of the sample; by no item beside it.
    """
    shape = x.shape[x.ndim - n_axes :]
    n_samples = x.shape[0]
    n_items = x.numel() // max(n_samples * int(np.prod(shape)), 1)
    noise = [
        drawn(shape, x.dtype, (*seed, first_item + item, sample))
        for sample in range(n_samples)
        for item in range(n_items)
    ]
    return torch.stack(noise).view(x.shape).to(x.device)


def predicted(prior: DiffusionPrior, x: Tensor, level: NoiseLevel, n_axes: int, most: int) -> Tensor:
    """eps of x (*batch, *domain) from a prior of images with ``n_axes`` axes, ``most`` at a time."""
    images = x.reshape(-1, *x.shape[x.ndim - n_axes :])
    return torch.cat([prior(part, level) for part in images.split(most)]).view(x.shape)


def recombined(image: Tensor, eps: Tensor, noise: Tensor | None, step: SamplingStep) -> Tensor:
    """x' = signal image + kept eps + fresh z; ``noise``, z, may be None where none is added."""
    out = step.signal * image
    if step.kept:
        out = out + step.kept * eps
    return out if noise is None else out + step.fresh * noise


def deviation(samples: Tensor) -> Tensor:
    """sqrt(sum_s |x_s - mean|^2 / (N - 1)) of N samples (samples, ...), real, 0 of a single one; nothing as
    large as all of them is formed.
    """
    mean = samples.mean(0)
    squares = torch.zeros_like(mean.real)
    for sample in samples:
        difference = sample - mean
        squares += (difference * difference.conj()).real
    return (squares / max(len(samples) - 1, 1)).sqrt()
