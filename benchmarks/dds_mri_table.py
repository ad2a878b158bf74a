"""Decomposed diffusion sampling beside other methods on a measured brain: a table of docs/methods/dds.md.

    python -m benchmarks.dds_mri_table DATA --prior FILE --tune      chooses numbers
    python -m benchmarks.dds_mri_table DATA --prior FILE [--pictures FOLDER]

DATA holds mri_raw/brain_vfa_cartesian_13coil.h5: one slice, four flip angles, 13 coils, 224 x 224, all of
k-space. It is thinned out afterwards: lines along ky, 4 times with 8 % of all in the centre and 8 times with
4 %, the others drawn uniformly, or points of a Poisson disc, 8 times, with a centre of 24 x 24. The stated
acceleration counts all that is kept. Each item has masks of its own.

Methods are given what is kept, the noise that its border tells, and coil maps by ESPIRiT from its centre:
kernels of 3 samples for all patterns, since 8 lines hold only three of the usual 6, which find a tenth of the
head. The reference is the image of all of k-space, combined with maps by ESPIRiT of its centre of 24 x 24,
kernels of 6. Figures are over the pixels where these are not 0, as in recipes; psnr_minmax over the whole
image.

Numbers were chosen by the reference of one flip angle, which is not reported, for all patterns together
(`benchmarks/dds_numbers.json`): the same slice of the same head in another contrast, with other noise and
other masks. What is done is kept in the file, images beside it, so that an interrupted run goes on. Seconds
are those the processor worked, coil maps not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.dds_contenders import Posed
from benchmarks.dds_runs import Case, Section, carried_out, parser_of
from benchmarks.dds_tuning import MRI_GRIDS
from proxflow.data.kspace import KSpace
from proxflow.data.masks.line_masks import random_line_mask
from proxflow.data.masks.poisson_disc import poisson_disc_mask
from proxflow.data.open_scan import open_scan
from proxflow.models.calibration.espirit import espirit
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.fourier import ifft2c
from proxflow.tasks.modalities.cartesian.noise import noise_level

FILE = Path("mri_raw") / "brain_vfa_cartesian_13coil.h5"
METHODS = ("zero_filled", "cg_sense", "tv", "l1_wavelet", "dds-20", "dds-50", "dds-100")
TUNING_ITEM = 2
CENTRE, KERNEL = 24, 3  # of the reference's calibration; of the methods'


class Pattern(NamedTuple):
    """mask: of a shape and a seed.  centre: what it samples fully in the middle, (ky, kx); 0 is all."""

    mask: Callable[[tuple[int, int], int], np.ndarray]
    centre: Callable[[tuple[int, int]], tuple[int, int]]


def lines(acceleration: int, fraction: float) -> Pattern:
    """Lines of constant ky, ``fraction`` of all in the middle."""

    def mask(shape: tuple[int, int], seed: int) -> np.ndarray:
        return random_line_mask(shape, acceleration, n_center_lines=int(shape[0] * fraction), seed=seed)

    return Pattern(mask, lambda shape: (int(shape[0] * fraction), shape[1]))


def disc(acceleration: int) -> Pattern:
    """Points of a variable-density Poisson disc, and a square in the middle."""

    def mask(shape: tuple[int, int], seed: int) -> np.ndarray:
        return poisson_disc_mask(shape, acceleration, acs_shape=(CENTRE, CENTRE), seed=seed)

    return Pattern(mask, lambda shape: (CENTRE, CENTRE))


PATTERNS = {"lines x4": lines(4, 0.08), "lines x8": lines(8, 0.04), "Poisson x8": disc(8)}


def main() -> None:
    parser = parser_of(__doc__, "dds-mri-table.json")
    parser.add_argument("--items", type=int, nargs="+", default=[1, 3], help="flip angles, from 0")
    asked = parser.parse_args()
    if TUNING_ITEM in asked.items:
        raise SystemExit(f"items must leave out {TUNING_ITEM}, which numbers are chosen by")
    file = asked.data / FILE
    section = Section(
        "brain", "brain", METHODS, MRI_GRIDS, cases(file, asked.items), cases(file, [TUNING_ITEM])
    )
    carried_out([section], asked)


def cases(file: Path, items: Sequence[int], patterns: Mapping[str, Pattern] = PATTERNS) -> list[Case]:
    """Every item with every pattern."""
    return [
        Case(f"item {item}", name, partial(posed, file, item, pattern))
        for name, pattern in patterns.items()
        for item in items
    ]


def posed(file: Path, item: int, pattern: Pattern, kernel: int = KERNEL) -> Posed:
    """One item, thinned out; the reference takes no part in the problem."""
    scan = open_scan(str(file)).read([item])
    assert isinstance(scan, KSpace)
    kspace = torch.from_numpy(scan.samples[0]).to(torch.complex64)
    reference, region = combined(kspace)
    shape = (kspace.shape[-2], kspace.shape[-1])
    mask = torch.from_numpy(pattern.mask(shape, item))
    y = kspace * mask
    maps, _ = espirit(y, acs_shape=pattern.centre(shape), kernel_width=kernel)
    return Posed(
        CartesianSense(mask, maps),
        y,
        1.0,
        reference.numpy()[None],
        region.numpy(),
        item=item,
        noise_std=noise_level(y, mask.numpy(), None, whitened=False)[0],
    )


def combined(kspace: Tensor) -> tuple[Tensor, Tensor]:
    """sum_c conj(S_c) F^H k_c, complex (y, x), with maps S of all data, and where these are not 0."""
    maps, _ = espirit(kspace, acs_shape=(CENTRE, CENTRE))
    return (maps.conj() * ifft2c(kspace)).sum(0), (maps != 0).any(0)


if __name__ == "__main__":
    main()
