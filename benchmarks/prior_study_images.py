"""Slices of people that trainings keep apart, and what is done to them, for `lpn_prior_study`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from benchmarks.dds_ct_scans import body_slice
from benchmarks.dds_ct_table import BODIES, TUNING_BODIES
from benchmarks.lpn_image_scans import picture_of
from proxflow.data.still_images import read_still_images
from proxflow.models.denoisers.noisy_crops import padded
from proxflow.models.denoisers.still_subjects import still_subject
from proxflow.models.diffusion.network_priors import as_channels
from proxflow.models.diffusion.noisy_images import in_unit
from proxflow.models.diffusion.smooth_phase import smooth_phase
from proxflow.tasks.errors import RequestError

SIDE = 128  # pixels of a whole slice: the smallest size of trainings
PEOPLE = (*BODIES, *TUNING_BODIES)  # no number is chosen here
FOLDER = Path("anatomy/mri_brain")
BRAINS = (  # one person beside another; where in the stack
    ("brats_gli_00001_000_t1n", 0.5),
    ("vs_seg_001_t1c_slab", 0.5),
    ("brats_gli_00001_000_t2w", 0.4),
    ("vs_seg_001_t1c_slab", 0.3),
    ("brats_gli_00001_000_t1n", 0.6),
    ("vs_seg_001_t1c_slab", 0.7),
)
NOISE, BLUR, COMBINATION = "noise, std", "blur, pixels", "combination, part of another slice"
LEVELS = {
    NOISE: (0.0, 0.05, 0.1, 0.2, 0.3),
    BLUR: (0.0, 0.5, 1.0, 2.0, 4.0),
    COMBINATION: (0.0, 0.25, 0.5, 0.75, 1.0),
}

Images = Mapping[str, Mapping[float, Tensor]]


def files_of(kind: str, n: int) -> list[Path]:
    """What ``slices`` reads, in DATA."""
    if kind == "ct":
        return [file for _, file, _ in PEOPLE[:n]]
    return [FOLDER / f"{name}.nii.gz" for name, _ in BRAINS[:n]]


def slices(data: Path, kind: str, n: int) -> Tensor:
    """The first ``n``, whole, brought to 128 pixels, over their 0.995 quantile and clipped at 1, as images of
    trainings: attenuation (``ct``) or magnitudes (``mri``), float64 (n, 128, 128)."""
    if kind == "ct":
        found = [picture_of(body_slice(data / file, name, at, SIDE)).numpy() for name, file, at in PEOPLE[:n]]
    else:
        stacks = {file: read_still_images(str(data / file)) for file in set(files_of(kind, n))}
        found = []
        for file, (name, place) in zip(files_of(kind, n), BRAINS, strict=False):
            stack = stacks[file][name]
            found.append(stack[int(place * len(stack))])
    subject = still_subject("all", found, (SIDE,))
    if subject is None or len(subject.slices) < n:
        raise RequestError(f"slices must show something, got nothing in some of the {n}")
    return torch.stack([padded(sizes[0], SIDE) for sizes in map(tuple, in_unit(subject).slices)]).double()


def perturbed(whole: Tensor, channels: int, side: int, within: tuple[float, float]) -> Images:
    """By kind and level, the middle ``side`` x ``side`` pixels of the slices: float64 (n, channels, y, x).

        noise         x + sigma w, w white in every channel
        blur          a Gaussian of sigma pixels on the whole slice, before it is cut
        combination   (1 - lambda) x + lambda x', x' the next slice

    All are clipped to ``within``, which without noise takes rounding away. Of two channels (real part,
    imaginary part) all slices have one smooth phase, drawn as in trainings: were there one for each,
    combinations would cancel.

    Source: the levels are those of the study on digits of Fang, Buchanan & Sulam, ICLR 2024, whose x' are the
    images in reverse order.
    """
    phase = smooth_phase(SIDE, torch.Generator().manual_seed(0)).double()

    def cut(images: Tensor) -> Tensor:
        if channels == 2:
            images = torch.polar(images, phase)
        start = max(0, (SIDE - side) // 2)
        middle = slice(start, start + side)
        images = torch.stack([padded(image, side) for image in images])
        return as_channels(images[:, middle, middle], channels).contiguous()

    clean = cut(whole)
    white = torch.from_numpy(np.random.default_rng(0).normal(size=clean.shape))
    other = clean.roll(-1, 0)
    made = {
        NOISE: lambda sigma: clean + sigma * white,
        BLUR: lambda sigma: cut(torch.from_numpy(gaussian_filter(whole.numpy(), (0, sigma, sigma)))),
        COMBINATION: lambda part: (1 - part) * clean + part * other,
    }
    return {
        kind: {level: made[kind](level).clamp(*within) for level in levels} for kind, levels in LEVELS.items()
    }
