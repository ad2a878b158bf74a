"""What the table of ReconResNet is about: slices of people, measured by one simulated coil as its training
measures them, and a brain measured by 13."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.dds_contenders import Posed
from benchmarks.dds_mri_table import FILE, Pattern
from benchmarks.dds_mri_table import posed as posed_brain
from benchmarks.dds_runs import Case
from proxflow.configs.prepare_published import UndersampleGaussian
from proxflow.configs.reconresnet_training import PatternName
from proxflow.data.still_images import read_still_images
from proxflow.models.denoisers.noisy_crops import padded
from proxflow.models.denoisers.still_subjects import still_subject
from proxflow.models.diffusion.smooth_phase import smooth_phase
from proxflow.operators.base import LinearOperator
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.operator_norm import operator_norm
from proxflow.tasks.modalities.cartesian.published_sampling import published_mask
from proxflow.tasks.reconresnet_training.patterns import pattern_of

NORM_MARGIN = 1.05  # power iterations end below the norm
BRAIN_KERNEL = 6  # samples of ESPIRiT's: its centre of 24 x 24 has room for them
BRAIN_CENTRE = (24, 24)
BRAIN_FRACTION = 0.25


class Shown(NamedTuple):
    """magnitude: float32 (side, side), a peak of about 1.  lesion: bool (side, side), or None: not known."""

    name: str
    magnitude: Tensor
    lesion: Tensor | None


def shown_slices(file: Path, n: int, side: int, labels: Path | None = None) -> list[Shown]:
    """``n`` slices of a file, evenly chosen among those that show something and, where there are labels of
    the same voxels, some of the lesion: at most all. Brought to ``side`` pixels as a training brings them.
    SystemExit where labels are of other voxels.
    """
    images = next(iter(read_still_images(str(file)).values()))
    lesions = next(iter(read_still_images(str(labels)).values())) if labels else [None] * len(images)
    if labels and [one.shape for one in lesions] != [one.shape for one in images]:
        raise SystemExit(f"{labels} must have the voxels of {file.name}, got others")
    stem, found = file.name.split(".")[0], []
    for index, (image, lesion) in enumerate(zip(images, lesions, strict=True)):
        subject = still_subject(stem, [image], [side])
        if subject is None:
            continue
        magnitude = subject.slices[0][0]
        inside = None if lesion is None else _of_size(lesion, magnitude.shape, side)
        if inside is None or inside.any():
            found.append(Shown(f"{stem} {index}", padded(magnitude, side), inside))
    return [found[i] for i in evenly(len(found), n)]


def evenly(total: int, n: int) -> list[int]:
    """The middles of ``n`` equal parts of range(total); all, if there are no more than ``n``."""
    n = min(n, total)
    return [(2 * i + 1) * total // (2 * n) for i in range(n)]


def _of_size(labels: np.ndarray, shape: Sequence[int], side: int) -> Tensor:
    """True where at least half of a pixel is labelled."""
    part = torch.from_numpy((labels != 0).astype(np.float32))[None, None]
    share = functional.interpolate(part, tuple(shape), mode="bilinear", antialias=True, align_corners=False)
    return padded(share[0, 0], side) >= 0.5


def slice_cases(
    slices: Sequence[Shown], patterns: Sequence[PatternName], *, side: int, with_phase: bool
) -> list[Case]:
    """Every slice with every pattern."""
    return [
        Case(shown.name, name, partial(simulated, shown, name, side, with_phase))
        for name in patterns
        for shown in slices
    ]


def simulated(shown: Shown, name: PatternName, side: int, with_phase: bool) -> Posed:
    """y = A m p without noise, p a smooth phase as in training, or 1. Phase and mask are decided by the
    slice's name: a mask of its own for each, unless the pattern has but one."""
    seed = zlib.crc32(shown.name.encode())
    magnitude = shown.magnitude
    phase = torch.zeros_like(magnitude)
    if with_phase:
        phase = smooth_phase(side, torch.Generator().manual_seed(seed))
    truth = torch.polar(magnitude, phase)
    operator = pattern_of(name, side)(seed)
    return Posed(
        operator,
        operator.forward(truth),
        _norm(name, side) if isinstance(operator, NonCartesianSense) else 1.0,
        truth.numpy()[None],
        None if shown.lesion is None else shown.lesion.numpy(),
        told={"acceleration": stated_acceleration(operator)},
    )


def stated_acceleration(operator: LinearOperator) -> float:
    """Points of the grid over those sampled; of spokes 2 n over their number, as the paper counts."""
    ny, nx = operator.domain_shape
    if isinstance(operator, NonCartesianSense):
        assert operator.n_readout is not None
        return 2 * nx * operator.n_readout / operator.range_shape[1]
    mask: Tensor = operator.mask  # type: ignore[assignment]
    return ny * nx / int(mask.sum())


@lru_cache
def _norm(name: PatternName, side: int) -> float:
    return NORM_MARGIN * operator_norm(pattern_of(name, side)(0))


def brain_cases(data: Path, items: Sequence[int]) -> list[Case]:
    """The measured brain, thinned out as in ``mri-reconresnet-cartesian``: Gaussian lines, or points about
    a disc, a quarter of all at most, and a centre of 24 lines, or 24 x 24."""
    return [
        Case(f"item {item}", f"13 coils, {kind}", partial(_brain, data / FILE, item, pattern))
        for kind, pattern in (("lines", brain_pattern("lines")), ("points", brain_pattern("disc")))
        for item in items
    ]


def brain_pattern(kind: str) -> Pattern:
    """Drawn as the recipe's step draws it, with a seed for each item."""

    def mask(shape: tuple[int, int], seed: int) -> np.ndarray:
        step = UndersampleGaussian.model_validate(
            {
                "kind": "undersample_gaussian",
                "pattern": kind,
                "fraction": BRAIN_FRACTION,
                "seed": seed,
                "acs": BRAIN_CENTRE,
            }
        )
        return published_mask(step, shape)[0]

    return Pattern(mask, lambda shape: BRAIN_CENTRE)


def _brain(file: Path, item: int, pattern: Pattern) -> Posed:
    """Scaled to a peak of 1, which figures take for the range."""
    posed = posed_brain(file, item, pattern, BRAIN_KERNEL)
    peak = float(np.abs(posed.reference).max())
    return replace(
        posed,
        y=posed.y / peak,
        reference=posed.reference / peak,
        told={"acceleration": stated_acceleration(posed.operator)},
    )
