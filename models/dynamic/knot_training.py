"""ProSep's variable projection: the temporal functions that let separable projections explain the views."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from proxflow.models.dynamic.separable_projections import (
    FittedPoint,
    SeparableFit,
    SeparableProjections,
    SparseViews,
)

DAMPING = 1e-3  # of the first step, beside the largest curvature
TRIES = 8  # of one step, each damped four times as much as the one before
SETTLED = 1e-5  # relative fall of the objective at which training ends
PATIENCE = 3  # steps without a lower held-out error at which training ends


class Trained(NamedTuple):
    """The functions whose projections predict the held-out views best, of all that training went through."""

    knots: Tensor  # Z, (d, r)
    objectives: list[float]  # J, at the start and after each step
    errors: list[float]  # ||predicted - measured|| / ||measured|| on the held-out views, likewise
    best: int  # the index of ``knots`` in these


def train_knots(
    fit: SeparableFit,
    held: SparseViews,
    knots: Tensor,
    basis: Tensor,
    *,
    n_iter: int = 15,
    patience: int = PATIENCE,
) -> Trained:
    """Z <- Z - (H + mu I)^-1 grad, Levenberg and Marquardt's steps on J(Z) of ``SeparableFit``.

    A step that does not lower J is tried again with larger mu. After each, Psi = U Z is made orthonormal (of
    mean square 1), which changes neither J nor what is predicted. Ends after ``n_iter`` steps, once J
    settles, or once the held-out error has not fallen for ``patience`` steps; the result is the iterate where
    it was least, since functions of low J may be overfitted.

    Args:
        held: views that ``fit`` has not seen.  basis: U, (T, d), at all frames.
        knots: the start; its first function, the constant one, stays.

    Source: Golub & Pereyra, Inverse Problems 19:R1 (2003). ProSep takes Adam with rate 0.01 instead, and
    the epoch that the true sinogram judges best; it keeps Z near orthonormal by a penalty.
    """
    point, mu = fit.at(orthonormal(knots, basis)), 0.0
    objectives, errors = [point.objective], [prediction_error(fit.projections(point), held)]
    best = point.knots
    while (
        knots.shape[1] > 1
        and len(objectives) <= n_iter
        and len(errors) - errors.index(min(errors)) <= patience
    ):
        gradient = fit.gradient(point)[:, 1:]
        matrix = fit.curvature(point)[:, 1:, :, 1:].reshape(gradient.numel(), -1)
        mu = mu or DAMPING * float(matrix.diagonal().max()) or 1.0
        lower, mu = _lower(fit, point, gradient, matrix, basis, mu)
        if lower is None:
            break
        point = lower
        objectives.append(point.objective)
        errors.append(prediction_error(fit.projections(point), held))
        if errors[-1] <= min(errors):
            best = point.knots
        if objectives[-2] - objectives[-1] <= SETTLED * objectives[-2]:
            break
    return Trained(best, objectives, errors, errors.index(min(errors)))


def _lower(
    fit: SeparableFit, point: FittedPoint, gradient: Tensor, matrix: Tensor, basis: Tensor, mu: float
) -> tuple[FittedPoint | None, float]:
    """A point of lower J by a damped step, None where rounding leaves none; and the damping for the next."""
    eye = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    for _ in range(TRIES):
        step = torch.linalg.solve(matrix + mu * eye, gradient.flatten()).reshape(gradient.shape)
        candidate = fit.at(orthonormal(point.knots - pad(step, (1, 0)), basis))
        if candidate.objective < point.objective:
            return candidate, mu / 5
        mu *= 4
    return None, mu


def prediction_error(projections: SeparableProjections, views: SparseViews) -> float:
    """||predicted - measured|| / ||measured|| over these views."""
    misfit = (projections.predict(views) - views.samples).square().sum()
    return float((misfit / views.samples.square().sum()) ** 0.5)


def orthonormal(knots: Tensor, basis: Tensor) -> Tensor:
    """Z such that the columns of U Z span what they did, are orthogonal, and have mean square 1."""
    r = torch.linalg.qr(basis @ knots)[1]
    return torch.linalg.solve_triangular(r, knots, upper=True, left=False) * len(basis) ** 0.5
