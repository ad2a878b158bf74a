"""Low-rank plus sparse: a background that changes slowly, and what moves or flows before it."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.methods.per_frame import last_good_series
from proxflow.models.methods.result import Reconstruction
from proxflow.models.priors.singular_values import largest_singular_value, singular_value_threshold
from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers.fista import fista
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.frame_operator import FrameOperator


def low_rank_sparse(
    operator: FrameOperator,
    y: Tensor,
    *,
    n_iter: int = 100,
    lam: float = 3e-4,
    balance: float = 1.0,
    tol: float = 1e-4,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = L + S = argmin 1/2 ||A (L + S) - y||^2 + a ||L||_* + b ||F S||_1, by FISTA from L = S = 0.

    ||.||_* is the nuclear norm of the series as a matrix (frame, pixel), F the unitary DFT over the frames.
    Both parts take the same gradient, whose Lipschitz constant is 2 ||A||^2:

        L <- prox of the nuclear norm: singular values lowered by a / 2
        S <- F^H of the soft threshold of F S by b / 2

    Args:
        operator: of norm at most 1.  y: (T, *frame_range), scaled so that max |A^H y| = 1.
        lam: a, relative to the largest singular value of A^H y. With lam and lam balance at least 1, x = 0.
        balance: lam balance is b, relative to max |F A^H y|.

    image: (T, *frame_domain); S of real data is real. Reports count both parts.
    Raises ValueError for a negative weight, DivergenceError on NaN or infinity.
    Source: Otazo, Candes & Sodickson, Magn. Reson. Med. 73:1125 (2015), eq. 3. Theirs steps by 1 / ||A||^2,
    the edge of what converges, without acceleration, and states a in units of the current L.
    """
    for name, number in (("lam", lam), ("balance", balance)):
        if not number >= 0:
            raise ValueError(f"{name} must be at least 0, got {number}")
    adjoint = operator.adjoint(y)
    a = lam * largest_singular_value(adjoint.flatten(1))
    b = lam * balance * float(over_time(adjoint).abs().max())

    def normal(parts: Tensor) -> Tensor:
        seen = operator.normal(parts.sum(0))
        return torch.stack([seen, seen])

    def prox(v: Tensor, step: float, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        slow, nuclear = singular_value_threshold(v[0].flatten(1), step * a)
        spectrum = soft_threshold(over_time(v[1]), step * b)
        moving = from_frequencies(spectrum, real=not v.is_complex())
        norm = spectrum.abs().sum(dtype=torch.float64)
        return torch.stack([slow.reshape(v[0].shape), moving]), a * nuclear + b * norm, memory

    def total(parts: Tensor) -> Tensor:
        return parts.sum(0)

    right = torch.stack([adjoint, adjoint])
    with last_good_series(total):
        parts, trace = fista(
            normal,
            right,
            squared_norm(y, y.ndim),
            prox,
            y.new_zeros(0),
            n_axes=right.ndim,
            lipschitz=2.0,
            support=operator.support,
            n_iter=n_iter,
            tol=tol,
            monitor=monitor,
            resume=resume,
        )
    return Reconstruction(total(parts), trace)


def over_time(series: Tensor) -> Tensor:
    """The unitary DFT over the frames, (T, *domain)."""
    return torch.fft.fft(series, dim=0, norm="ortho")


def from_frequencies(spectrum: Tensor, *, real: bool) -> Tensor:
    """The inverse of ``over_time``; its real part where the series is real."""
    series = torch.fft.ifft(spectrum, dim=0, norm="ortho")
    return series.real if real else series
