"""ProSep: a first dynamic image, from separable projections fitted to the few views of every frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from proxflow.models.dynamic.frame_fbp import axis_column, fbp_in_frame
from proxflow.models.dynamic.held_out_views import split_views
from proxflow.models.dynamic.knot_training import Trained, train_knots
from proxflow.models.dynamic.polynomial_start import polynomial_knots
from proxflow.models.dynamic.separable_projections import SeparableFit, SeparableProjections, SparseViews
from proxflow.models.dynamic.start_values import StartFactors, balanced
from proxflow.operators.frame_projections import FrameProjections

RIDGES = (1e-1, 3e-2, 1e-2, 3e-3)  # in this order: each starts where the one before ended
MOST_FUNCTIONS = 6  # tried, unless the caller says how many: views of all angles are fitted beside them
PATIENCE = 2  # more functions are tried until so many in turn have brought nothing
HELD_OUT = 0.1  # share of the views that choose among fits


@dataclass(frozen=True)
class ProSep:
    """projections: fitted to all views, with the functions that predicted held-out ones best.

    tried: for every number of functions tried, 1, 2, ..., the least held-out error: ||.|| / ||.||.
    trained: the run the functions are of.  ridge: its penalty.
    """

    projections: SeparableProjections
    tried: list[float]
    trained: Trained
    ridge: float


def prosep_start(
    operator: FrameProjections, y: Tensor, basis: Tensor, *, most_functions: int | None = None, seed: int = 0
) -> StartFactors:
    """Lambda and Psi of the filtered back-projections of ``prosep``'s sinograms, balanced.

    By linearity one filtered back-projection (ramp) per temporal function stands for one per frame. The
    number of functions is that which predicts held-out views best, at most ``most_functions``.
    y: (T, view, column), real, zero in views outside the operator's mask. See ``prosep`` for errors.
    """
    views = sparse_views(operator, y, basis)
    found = prosep(views, operator.mask, basis.double(), most_functions=most_functions, seed=seed)
    n_angles = max(operator.n_columns, 2 * found.projections.n_harmonics + 2)
    angles = np.arange(n_angles) * (np.pi / n_angles)
    sinograms = found.projections.sinograms(torch.from_numpy(angles)).to(y.device)
    axis = (sinograms.shape[-1] - 1) / 2
    spatial = fbp_in_frame(operator, sinograms, angles, axis=axis)
    start = balanced(spatial.to(y.dtype), found.projections.knots.to(y.dtype), basis)
    return replace(start, curves={"prosep_error_by_functions": [found.tried]})


def prosep(
    views: SparseViews,
    mask: Tensor,
    basis: Tensor,
    *,
    most_functions: int | None = None,
    n_harmonics: int | None = None,
    seed: int = 0,
) -> ProSep:
    """Fit ``SeparableProjections`` for 1, 2, ... functions and several penalties; the best by held-out views.

    Args:
        views: of the True entries of ``mask``, (T, view), in its order.
        basis: U, (T, d), float64.
        most_functions: K + 1 at most, itself at most d; without it 6.
        n_harmonics: N; without it the largest that the number of views allows, (2 N + 1)(K + 1) <= 2 P.

    Raises ValueError where P views cannot determine so many coefficients.
    Source: Iskender, Klasky & Bresler, IVMSP (2022), eq. 15-17 of docs/methods/red-psm.md; theirs has no
    penalty on harmonics and no constant function, fixed K and N, and stops at the epoch of the least error
    against the true sinogram.
    """
    split = split_views(mask, HELD_OUT, seed)
    order = mask.flatten().nonzero()[:, 0]
    given, held = (views.at(part.flatten()[order].nonzero()[:, 0]) for part in split)
    most = most_functions if most_functions is not None else min(MOST_FUNCTIONS, basis.shape[1])
    tried = list[float]()
    best: tuple[float, Trained, float, int] | None = None
    for n_functions in range(1, most + 1):
        n = harmonics_for(n_functions, len(given), n_harmonics)
        errors, start = list[float](), polynomial_knots(basis, n_functions)
        for ridge in RIDGES:
            trained = train_knots(SeparableFit(given, n, ridge), held, start, basis)
            start = trained.knots
            errors.append(trained.errors[trained.best])
            if best is None or errors[-1] < best[0]:
                best = errors[-1], trained, ridge, n
        tried.append(min(errors))
        if len(tried) - tried.index(min(tried)) > PATIENCE:
            break
    if best is None:
        raise ValueError(f"most_functions must be at least 1, got {most}")
    _, trained, ridge, n = best
    fit = SeparableFit(views, n, ridge)
    return ProSep(fit.projections(fit.at(trained.knots)), tried, trained, ridge)


def harmonics_for(n_functions: int, n_views: int, n_harmonics: int | None = None) -> int:
    """The largest N with (2 N + 1) (K + 1) <= 2 P, or ``n_harmonics`` where it is no larger.

    Raises ValueError where it is, or where there is no N >= 0.
    """
    if n_functions > 2 * n_views:
        raise ValueError(
            f"n_functions must be at most twice the {n_views} views that fit them, got {n_functions}"
        )
    most = (2 * n_views // n_functions - 1) // 2
    if n_harmonics is None:
        return most
    if not 0 <= n_harmonics <= most:
        raise ValueError(
            f"n_harmonics must be in 0 .. {most}, for {n_functions} temporal functions and {n_views} views, "
            f"got {n_harmonics}"
        )
    return n_harmonics


def sparse_views(operator: FrameProjections, y: Tensor, basis: Tensor) -> SparseViews:
    """The views in the operator's mask, in physical units, on columns about the axis of rotation.

    Raises ValueError for complex y.
    """
    if y.is_complex():
        raise ValueError(f"y must be real for ProSep, got {y.dtype}")
    mask = operator.mask.cpu()
    frames = mask.nonzero()[:, 0]
    samples = y.detach().cpu()[mask].double() / operator.gain
    angles = torch.from_numpy(operator.angles_rad)[mask]
    return SparseViews(angles, about_axis(samples, axis_column(operator)), basis.cpu().double()[frames])


def about_axis(samples: Tensor, axis: float) -> Tensor:
    """samples (view, column) on columns of which c and C - 1 - c lie equally far from the axis of rotation.

    Zeros are added on the narrower side: the object must not reach beyond it. Where the axis is neither on a
    column nor midway between two, columns are first moved onto the nearer such place, linearly interpolated.
    """
    n_columns, doubled = samples.shape[1], round(2 * axis)
    shift = axis - doubled / 2  # |shift| <= 1/4: new column c lies at c + shift
    if abs(shift) > 1e-9:
        towards = pad(samples, (0, 1))[:, 1:] if shift > 0 else pad(samples, (1, 0))[:, :-1]
        samples = samples + abs(shift) * (towards - samples)
    beyond = doubled - (n_columns - 1)
    return pad(samples, (max(-beyond, 0), max(beyond, 0)))
