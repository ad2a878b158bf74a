"""ProSep's temporal functions trained by Gauss-Newton steps, as here, and by Adam, as its authors do.

    python -m benchmarks.prosep_training [--functions 3] [--rate 0.01] [--epochs 300]

from the root of the repository, on the sample dynamic-ct-lung: 64 frames of one view. Both start from
polynomials, with the same harmonics and penalty, and the coefficients solved exactly; a tenth of the views is
held out. For each: steps and seconds until the objective is within 1 % of the least that either reached,
and the least error on held-out views.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

from benchmarks.dynamic_sample import sample_projections
from proxflow.models.dynamic.adam import adam_step, zero_moments
from proxflow.models.dynamic.held_out_views import split_views
from proxflow.models.dynamic.knot_training import orthonormal, prediction_error, train_knots
from proxflow.models.dynamic.polynomial_start import polynomial_knots
from proxflow.models.dynamic.prosep import RIDGES, harmonics_for, sparse_views
from proxflow.models.dynamic.separable_projections import SeparableFit, SparseViews
from proxflow.models.dynamic.temporal_bases import temporal_basis

RIDGE = 1e-2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--functions", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=300)
    arguments = parser.parse_args()
    operator, y = sample_projections()
    basis = temporal_basis("spline", operator.n_frames, 9)
    views, split = sparse_views(operator, y, basis), split_views(operator.mask, 0.1, 0)
    given, held = (views.at(part.flatten().nonzero()[:, 0]) for part in split)
    fit = SeparableFit(given, harmonics_for(arguments.functions, len(given)), RIDGE)
    start = polynomial_knots(basis, arguments.functions)
    runs = {
        "Gauss-Newton": gauss_newton(given, fit.n_harmonics, held, start, basis),
        f"Adam, rate {arguments.rate:g}": adam(
            fit, held, start, basis, rate=arguments.rate, epochs=arguments.epochs
        ),
    }
    least = min(min(objectives) for objectives, _, _ in runs.values())
    print("| training | steps | seconds | to within 1 % | objective / least | held-out error, least |")
    print("|---|---|---|---|---|---|")
    for name, (objectives, errors, seconds) in runs.items():
        steps = len(objectives) - 1
        near = next((k for k, value in enumerate(objectives) if value <= 1.01 * least), None)
        reached = "never" if near is None else f"{near} steps, {near * seconds / max(steps, 1):.2f} s"
        print(
            f"| {name} | {steps} | {seconds:.2f} | {reached} | {min(objectives) / least:.4f} "
            f"| {min(errors):.4f} |"
        )


Run = tuple[list[float], list[float], float]  # objectives, held-out errors, seconds


def gauss_newton(views: SparseViews, n: int, held: SparseViews, start: Tensor, basis: Tensor) -> Run:
    """As ``prosep``: through falling penalties; steps and seconds of all, objectives of the last."""
    began, before = time.perf_counter(), 0
    for ridge in (*(larger for larger in RIDGES if larger > RIDGE), RIDGE):
        found = train_knots(SeparableFit(views, n, ridge), held, start, basis)
        start, before = found.knots, before + len(found.objectives)
    skipped = before - len(found.objectives)
    return [float("inf")] * skipped + found.objectives, found.errors, time.perf_counter() - began


def adam(
    fit: SeparableFit, held: SparseViews, start: Tensor, basis: Tensor, *, rate: float, epochs: int
) -> Run:
    """The gradient is exact and costs no more than the coefficients do; objectives are of orthonormal Psi."""
    began, knots = time.perf_counter(), orthonormal(start, basis)
    moments, objectives, errors = zero_moments(knots), list[float](), list[float]()
    for _ in range(epochs):
        point = fit.at(orthonormal(knots, basis))
        objectives.append(point.objective)
        errors.append(prediction_error(fit.projections(point), held))
        gradient = fit.gradient(point)
        gradient[:, 0] = 0  # the constant function stays, as in ``train_knots``
        knots, moments = adam_step(point.knots, gradient, moments, rate)
    return objectives, errors, time.perf_counter() - began


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
