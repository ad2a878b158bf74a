"""Blurred slices, and slices by compressed sensing, as in the experiments with learned proximal networks."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmarks.dds_contenders import Posed
from benchmarks.dds_ct_scans import Fine
from proxflow.operators.base import LinearOperator
from proxflow.operators.circulant_sensing import CirculantSensing
from proxflow.operators.gaussian_blur import GaussianBlur
from proxflow.operators.operator_norm import operator_norm

ROUNDING = 1 + 1e-6  # beyond the norm that is known, so that float32 does not exceed it
NORM_STEPS, NORM_MARGIN = 100, 1.02  # singular values of a circulant matrix lie close to each other


def blurred(fine: Fine, sigma: float, noise: float, seed: int) -> Posed:
    """y = k * x + w, the full convolution with a Gaussian of ``sigma`` pixels, w white of std ``noise``.

    x is the slice, brought to its side, over its largest value: between 0 and 1.

    Source: blur, noise and range of values are those of the deblurring of Fang, Buchanan & Sulam, ICLR 2024,
    of faces there.
    """
    x = picture_of(fine)
    operator = GaussianBlur((x.shape[-2], x.shape[-1]), sigma)
    return _posed(operator, x, ROUNDING * operator.norm, noise, seed)


def sensed(fine: Fine, ratio: int, noise: float, seed: int) -> Posed:
    """y = A x + w of a random circulant matrix, of which one of ``ratio`` rows is kept, w white of std
    ``noise``; x as of ``blurred``, A and w decided by ``seed``.

    Source: operator, noise and range of values are those of the compressed sensing of Fang, Buchanan & Sulam,
    ICLR 2024, of slices of 512 x 512.
    """
    x = picture_of(fine)
    operator = CirculantSensing((x.shape[-2], x.shape[-1]), x.numel() // ratio, seed=seed)
    norm = NORM_MARGIN * operator_norm(operator, n_iter=NORM_STEPS, tol=1e-5, dtype=torch.float32)
    return _posed(operator, x, norm, noise, seed)


def picture_of(fine: Fine) -> Tensor:
    """The mean of the one slice over ``fine.by[1]`` squared of its pixels, its largest value being 1: float32
    (y, x)."""
    (slice_,) = fine.attenuation
    by = fine.by[1]
    side = len(slice_) // by
    mean = torch.from_numpy(slice_).double().reshape(side, by, side, by).mean((1, 3))
    return (mean / mean.max()).float()


def _posed(operator: LinearOperator, x: Tensor, norm: float, noise: float, seed: int) -> Posed:
    clean = operator.forward(x)
    w = np.random.default_rng(seed).normal(0, noise, clean.shape)  # not the generator of the matrix
    y = clean + torch.from_numpy(w).float()
    return Posed(operator, y, norm, x.numpy()[None], item=seed, noise_std=noise)
