"""Pairs of clean and noisy volumes on which a denoiser of magnitudes is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from proxflow.models.denoisers.blur import coloured_noise
from proxflow.models.denoisers.draws import between, integer, step_generator, uniform, window
from proxflow.models.denoisers.scenes import SceneSettings, draw_magnitude

ON_TARGET = 0.8  # of the crops are drawn around a voxel of a target, the others anywhere
DIMMEST = 0.6  # factor of a scene, up to 1: in use the peak of a noisy image is the unit, which is too large
WIDTHS = (0.4, 1.6)  # voxels, of the Gaussian that colours noise
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
        coloured: share of the volumes whose noise is blurred, by a Gaussian of 0.4 to 1.6 voxels.
    """

    scenes: SceneSettings = field(default_factory=SceneSettings)
    side: int = 16
    batch: int = 16
    sigma_high: float = 0.2
    law: NoiseLaw = "complex"
    understated: float = 1.0
    coloured: float = 0.5


@dataclass(frozen=True)
class Volumes:
    """clean: float32 (batch, 1, z, y, x).  inputs: (batch, 2, z, y, x), noisy and the std that is told."""

    clean: Tensor
    inputs: Tensor


def draw_volumes(settings: VolumeSettings, seed: int, step: int) -> Volumes:
    """The pairs of one step, decided by (seed, step) alone: a training that goes on draws what it would have.

    sigma, told, is uniform on [0, sigma_high], one for each volume. What is there is weaker: in an iteration
    of ADMM sigma is a strength, and how far the image is from clean nobody knows. A network that always met
    what it was told raised empty regions, which were cleaner than it expected, to a third of the peak. Part
    of the noise is coloured, as what an array leaves around a target.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), whose script is not public.
    """
    rng = step_generator(seed, step)
    scenes = [draw_magnitude(settings.scenes, rng) for _ in range(settings.batch)]
    if settings.side:
        scenes = [scene[_cube(scene, settings.side, rng)] for scene in scenes]
    dimmed = DIMMEST + (1 - DIMMEST) * torch.rand(settings.batch, 1, 1, 1, 1, generator=rng)
    clean = dimmed * torch.stack(scenes)[:, None]
    sigma = settings.sigma_high * torch.rand(settings.batch, 1, 1, 1, 1, generator=rng)
    chosen = torch.rand(sigma.shape, generator=rng) < settings.understated
    there = sigma * torch.where(chosen, torch.rand(sigma.shape, generator=rng), 1.0)
    parts = torch.stack([_noise(settings, clean.shape[2:], rng) for _ in scenes], dim=1)[:, :, None]
    noisy = with_noise(clean, there * parts, settings.law)
    return Volumes(clean, torch.cat([noisy, sigma.expand_as(noisy)], dim=1))


def with_noise(clean: Tensor, parts: Tensor, law: NoiseLaw) -> Tensor:
    """``clean`` with noise of two parts w and w', (2, *clean.shape).

    "complex": |clean + w + j w'|, what noise in real and imaginary part makes of a magnitude: never
    negative, and above 0 on average where there is nothing. "real": clean + w.
    """
    noisy = clean + parts[0]
    return noisy if law == "real" else torch.hypot(noisy, parts[1])


def _noise(settings: VolumeSettings, shape: Sequence[int], rng: torch.Generator) -> Tensor:
    """(2, z, y, x) of mean 0 and std 1, white or coloured alike in both parts."""
    if uniform(rng) >= settings.coloured:
        return torch.randn((2, *shape), generator=rng)
    width = between(WIDTHS, rng)
    return torch.stack([coloured_noise(shape, width, rng) for _ in range(2)])


def _cube(scene: Tensor, side: int, rng: torch.Generator) -> tuple[slice, ...]:
    """A cube that holds a voxel of a target or, less often, any voxel."""
    voxel = torch.tensor([integer(n, rng) for n in scene.shape])
    if uniform(rng) < ON_TARGET:
        inside = torch.nonzero(scene > TARGET)
        voxel = inside[integer(len(inside), rng)]
    return tuple(window(place, n, side, rng) for place, n in zip(voxel.tolist(), scene.shape, strict=True))
