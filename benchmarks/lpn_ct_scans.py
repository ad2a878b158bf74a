"""The sparse-view scan of the experiments with learned proximal networks, of any slice."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.dds_contenders import Posed
from benchmarks.dds_ct_scans import Fine, norm_of
from proxflow.operators.parallel_beam import ParallelBeam

FIELD_MM = 256.0  # a side of every slice, whatever its own voxels
N_COLUMNS = 400  # over the diagonal of the field
NOISE = 2.0  # std of a line integral, in mm times the unit of the image


def sparse_view(fine: Fine, n_views: int, seed: int) -> Posed:
    """y = A x + w of parallel rays, evenly over half a turn, x between 0 and 1, w white of std 2.

    x is the attenuation of the slice over its largest, its side 256 mm long, and A sees all of its pixels;
    the image that is looked for has ``fine.by[1]`` times larger ones, the reference being the mean over each:
    with 1, as published, it is found with the operator that made the data.

    Source: geometry and noise are those of the code of Fang, Buchanan & Sulam, ICLR 2024, for Mayo-CT, with
    200 views.
    """
    (slice_,) = fine.attenuation
    by, n_fine = fine.by[1], len(slice_)
    side, unit = n_fine // by, float(slice_.max())
    angles = np.pi * np.arange(n_views) / n_views

    def operator_of(n: int) -> ParallelBeam:
        return ParallelBeam(
            (n, n),
            angles,
            N_COLUMNS,
            pixel_size_mm=FIELD_MM / n,
            column_size_mm=2**0.5 * FIELD_MM / N_COLUMNS,
        )

    integrals = operator_of(n_fine).forward(torch.from_numpy(slice_ / unit).float())
    noise = np.random.default_rng(seed).normal(0, NOISE, integrals.shape)
    y = integrals + torch.from_numpy(noise).float()
    reference = (slice_ / unit).reshape(1, side, by, side, by).mean((2, 4)).astype(np.float32)
    operator = operator_of(side)
    return Posed(operator, y, norm_of(operator), reference, item=seed, noise_std=NOISE)
