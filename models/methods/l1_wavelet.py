"""Least squares with an l1 penalty on wavelet coefficients."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers.fista import fista
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator
from proxflow.operators.wavelet import Wavelet, most_levels


def l1_wavelet(
    operator: LinearOperator,
    y: Tensor,
    *,
    n_iter: int = 100,
    lam: float = 1e-3,
    tol: float = 1e-4,
    wavelet: str = "db4",
    levels: int = 4,
    lipschitz: float = 1.0,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = argmin 1/2 ||A x - y||^2 + lam sum over detail coefficients |(W x)_j|, by FISTA from x = 0.

    Args:
        operator: of images (ny, nx).
        y: (*batch, *range), zero where nothing was sampled, scaled so that max |A^H y| = 1.
        lam: in that scale, >= 0.
        wavelet, levels: the orthonormal transform W, see ``Wavelet``. The coarse block is not penalised:
            it is not sparse, and shrinking it would dim the image.
        lipschitz: an upper bound of ||A||^2. 1 holds for an orthonormal FFT with coil maps of
            sum |S_c|^2 <= 1; for other operators give ``operator_norm(operator) ** 2``.

    W being orthonormal, the proximal map is exact: x = W^H S(W v) with S soft thresholding.

    Raises ValueError if lam < 0 or lipschitz <= 0; UnsuitableError for more levels than the image can be
    halved; DivergenceError on NaN or infinity, or where
    ``lipschitz`` is so low that the objective grows.
    Source: Lustig, Donoho & Pauly, Magn. Reson. Med. 58:1182 (2007), who solve it by nonlinear CG with a
    smoothed modulus and TV beside; ours is FISTA (see ``fista_step``), W alone, the coarse block spared.
    """
    if not lam >= 0:
        raise ValueError(f"lam must be at least 0, got {lam}")
    b = operator.adjoint(y)
    ny, nx = operator.domain_shape
    if levels > most_levels((ny, nx)):
        raise UnsuitableError(
            f"levels must be at most {most_levels((ny, nx))} for {ny} x {nx} pixels, got {levels}"
        )
    transform = Wavelet((ny, nx), wavelet=wavelet, levels=levels).to(b.device)
    rows, columns = transform.approximation_shape

    def prox(v: Tensor, step: float, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        coefficients = transform.forward(v)
        shrunk = soft_threshold(coefficients, step * lam)
        penalty = shrunk.abs()
        penalty[..., :rows, :columns] = 0
        shrunk[..., :rows, :columns] = coefficients[..., :rows, :columns]
        return transform.adjoint(shrunk), lam * penalty.sum((-2, -1), dtype=torch.float64), memory

    image, trace = fista(
        operator.normal,
        b,
        squared_norm(y, y.ndim),
        prox,
        b.new_zeros(0),
        n_axes=len(operator.domain_shape),
        lipschitz=lipschitz,
        support=operator.support,
        n_iter=n_iter,
        tol=tol,
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(image, trace)
