"""Pairs of clean and noisy volumes on which a denoiser of magnitudes is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from proxflow.models.denoisers.draws import integer
from proxflow.models.denoisers.scenes import SceneSettings, draw_magnitude

ON_TARGET = 0.8  # of the crops are drawn around a voxel of a target, the others anywhere
DIMMEST = 0.6  # factor of a scene, up to 1: in use the peak of a noisy image is the unit, which is too large
TARGET = 0.05  # of the peak: what is brighter belongs to one

NoiseLaw = Literal["complex", "real"]


@dataclass(frozen=True)
class VolumeSettings:
    """How pairs are drawn.

    Attributes:
        side: voxels along the edges of a crop, 0 for whole scenes.
        sigma_high: the strongest noise that is told.
        law: see ``with_noise``.
        understated: share of the volumes whose noise is weaker than told, by a factor uniform on [0, 1].
    """

    scenes: SceneSettings = field(default_factory=SceneSettings)
    side: int = 16
    batch: int = 16
    sigma_high: float = 0.2
    law: NoiseLaw = "complex"
    understated: float = 0.5


@dataclass(frozen=True)
class Volumes:
    """clean: float32 (batch, 1, z, y, x).  inputs: (batch, 2, z, y, x), noisy and the std that is told."""

    clean: Tensor
    inputs: Tensor


def draw_volumes(settings: VolumeSettings, seed: int, step: int) -> Volumes:
    """The pairs of one step, decided by (seed, step) alone: a training that goes on draws what it would have.

    sigma, told, is uniform on [0, sigma_high], one for each volume. Half of the volumes have less noise than
    that: in an iteration of ADMM sigma is a strength, and how far the image is from clean nobody knows. A
    network that always met what it was told raised empty regions, which were cleaner than it expected, to a
    third of the peak.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), whose script is not public.
    """
    rng = torch.Generator().manual_seed(seed * 1_000_003 + step)
    scenes = [draw_magnitude(settings.scenes, rng) for _ in range(settings.batch)]
    if settings.side:
        scenes = [scene[_window(scene, settings.side, rng)] for scene in scenes]
    dimmed = DIMMEST + (1 - DIMMEST) * torch.rand(settings.batch, 1, 1, 1, 1, generator=rng)
    clean = dimmed * torch.stack(scenes)[:, None]
    sigma = settings.sigma_high * torch.rand(settings.batch, 1, 1, 1, 1, generator=rng)
    chosen = torch.rand(sigma.shape, generator=rng) < settings.understated
    there = sigma * torch.where(chosen, torch.rand(sigma.shape, generator=rng), 1.0)
    noisy = with_noise(clean, there, settings.law, rng)
    return Volumes(clean, torch.cat([noisy, sigma.expand_as(noisy)], dim=1))


def with_noise(clean: Tensor, sigma: Tensor | float, law: NoiseLaw, rng: torch.Generator) -> Tensor:
    """``clean`` with white Gaussian noise of std sigma.

    "complex": |clean + sigma (w + j w')|, what noise in real and imaginary part, sigma in each, makes of a
    magnitude: never negative, and above 0 on average where there is nothing. "real": clean + sigma w.
    """
    noisy = clean + sigma * torch.randn(clean.shape, generator=rng)
    if law == "real":
        return noisy
    return torch.hypot(noisy, sigma * torch.randn(clean.shape, generator=rng))


def _window(scene: Tensor, side: int, rng: torch.Generator) -> tuple[slice, ...]:
    """A cube that holds a voxel of a target or, less often, any voxel."""
    voxel = torch.tensor([integer(n, rng) for n in scene.shape])
    if float(torch.rand(1, generator=rng)) < ON_TARGET:
        inside = torch.nonzero(scene > TARGET)
        voxel = inside[integer(len(inside), rng)]
    starts = []
    for place, n in zip(voxel.tolist(), scene.shape, strict=True):
        first, last = max(place - side + 1, 0), max(min(place, n - side), 0)
        starts.append(first + integer(max(last - first, 0) + 1, rng))
    return tuple(slice(start, start + side) for start in starts)
