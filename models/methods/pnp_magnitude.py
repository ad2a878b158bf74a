"""Plug-and-play with a denoiser of the magnitude, the phase left free."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from proxflow.models.calibration.noise_to_signal import noise_to_signal
from proxflow.models.denoisers.denoiser import LevelDenoiser
from proxflow.models.denoisers.told_level import LevelTv
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.constrained_admm import constrained_admm
from proxflow.models.solvers.constrained_step import AdmmNumbers
from proxflow.models.solvers.data_step import DataUpdate
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator


def pnp_magnitude(
    operator: LinearOperator,
    y: Tensor,
    *,
    denoiser: LevelDenoiser | None = None,
    n_iter: int = 30,
    sigma: float = 0.2,
    kappa: float = 0.013,
    epsilon: float | Tensor | None = None,
    form: Literal["constrained", "unconstrained"] = "constrained",
    update: DataUpdate = "auto",
    sigma_decay: float = 1.0,
    kappa_growth: float = 1.0,
    scale: Literal["peak", "start"] = "peak",
    average: bool = False,
    tol: float = 5e-4,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """min R(|s|) subject to ||A s - y|| <= epsilon ||y||, a denoiser in place of R's proximal map, by ADMM:

        s  <- (kappa I + A^H A)^-1 [kappa (u1 + d1) + A^H (u2 + d2)]
        z  =  s - d1,  u1 <- exp(i arg z) c D(|z| / c, sigma)
        u2 <- the nearest to A s - d2 with ||u2 - y|| <= epsilon ||y||
        d1 <- d1 - (s - u1),  d2 <- d2 - (A s - u2)

    until the magnitude of every item changes by less than ``tol``; see ``constrained_step``.

    Args:
        operator: complex, of norm 1, of images (y, x) or volumes (z, y, x).
        y: complex (*batch, *range), of any gain.
        denoiser: of magnitudes with a peak of about 1; total variation by default. Negative values are
            clipped.
        sigma: standard deviation of the noise that it is told, relative to c; the root of the paper's alpha.
        kappa: ratio of the penalties, in the unit of ||A||^2: 500 in the paper, of ||A||^2 = 3.9e4.
        epsilon: noise norm over data norm, one or (*batch). None: estimated for each
            item (``noise_to_signal``).
        form: "unconstrained": 1/2 ||A s - y||^2 + kappa sigma^2 R(|s|), with kappa as the penalty rho of
            s = u1; epsilon is not used.
        update: of s: "woodbury", "cg" (five steps at most), or "auto" by what costs less; see ``data_step``.
        sigma_decay, kappa_growth: continuation, duals rescaled: sigma is divided by the one, kappa multiplied
            by the other after each iteration.
        scale: c is the largest |z| of the item in that iteration, or "start", the peak of the Tikhonov
            image that the method starts from.
        average: deliver the mean of s over all iterations, which meets the constraint where they do, and not
            the last s: a denoiser is no proximal map, and where the data tell little, iterations go round.

    Raises ValueError if sigma or epsilon is negative, kappa or a continuation factor not positive;
    UnsuitableError where the noise cannot be told from the data; DivergenceError on NaN.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024). Theirs starts from A^H y / max |A^H y|,
    clips nothing, takes epsilon from the true noise and solves by CG alone; its sigma is 0.1975 for
    simulations with 20 frequencies at 30 dB.
    """
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma must be at least 0, got {sigma}")
    if not 0 < sigma_decay < math.inf:
        raise ValueError(f"sigma_decay must be positive, got {sigma_decay}")
    denoiser = LevelTv() if denoiser is None else denoiser
    n_axes = len(operator.domain_shape)

    def denoise(magnitude: Tensor, memory: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        items = magnitude.reshape(-1, *magnitude.shape[magnitude.ndim - n_axes :])
        return denoiser(items, sigma * math.sqrt(strength)).view(magnitude.shape), memory

    noise: float | Tensor | None = None
    if form == "constrained":
        noise = noise_to_signal(operator, y) if epsilon is None else epsilon
    numbers = AdmmNumbers(
        kappa,
        noise,
        n_iter,
        tol,
        update=update,
        alpha_decay=sigma_decay**2,
        kappa_growth=kappa_growth,
        rescale=scale == "peak",
        average=average,
    )
    memory = torch.zeros(0, dtype=y.real.dtype, device=y.device)
    image, trace = constrained_admm(operator, y, denoise, memory, numbers, monitor=monitor, resume=resume)
    return Reconstruction(image, trace)
