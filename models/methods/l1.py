"""Sparse reflectivity: l1 on the magnitude under a data constraint."""

from __future__ import annotations

import math

from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers.constrained_admm import constrained_admm
from proxflow.models.solvers.constrained_step import AdmmNumbers
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator


def l1(
    operator: LinearOperator,
    y: Tensor,
    *,
    n_iter: int = 200,
    alpha: float = 0.01,
    kappa: float = 0.013,
    tol: float = 5e-4,
    epsilon: float | Tensor = 0.1,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """min sum |s_n| subject to ||A s - y|| <= epsilon ||y||, by ADMM (``constrained_admm``).

    Args:
        operator: complex, of norm 1.
        y: (*batch, *range), of any gain: nothing here depends on it.
        alpha: what an iteration takes off every magnitude, as a fraction of the peak of the image that the
            method starts from, Tikhonov's with the weight ``kappa``. The solution does not depend on it,
            the way there does: low, and few iterations stay near the start; high, and they swing.
        kappa: ratio of the penalties of the two splittings, in the unit of ||A||^2, 1 here. 500 in the paper,
            whose ||A||^2 is 3.9e4 with 15 frequencies.
        tol: stop where the magnitude of every item changes by less, relative.
        epsilon: noise norm over data norm, one or (*batch); 0.032 for 30 dB, 0.32 for 10 dB.

    Raises ValueError if alpha or epsilon is negative or kappa not positive, DivergenceError on NaN.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), their baseline, which starts from
    A^H y / max |A^H y| and states alpha against that; theirs runs 10 000 iterations.
    """
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha must be at least 0, got {alpha}")

    def denoise(magnitude: Tensor, memory: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        return soft_threshold(magnitude, strength * alpha), memory

    image, trace = constrained_admm(
        operator,
        y,
        denoise,
        y.real.new_zeros(0),
        AdmmNumbers(kappa, epsilon, n_iter, tol),
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(image, trace)
