"""What a run with a learned proximal network certifies: its conditions, and the prior before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from proxflow.models.learned_prox.conditions import Condition
from proxflow.models.learned_prox.evaluated import LearnedProx
from proxflow.models.learned_prox.image_prox import ImageProx
from proxflow.models.learned_prox.prior import prior_of
from proxflow.models.methods.certificate import Certificate
from proxflow.models.methods.lpn import Solver, lpn_conditions
from proxflow.models.methods.lpn_problem import LpnProblem
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.inner_product import over_image, squared_norm
from proxflow.models.solvers.iteration import Iteration

# With all of the network's step; with a part t of it steps are t times as short, and these t times as small.
RISE = 1e-6  # of the objective and of weight ||x||^2: data steps that are not solved further
REST = 1e-3  # residual of the fixed point, relative to the image, at which it is reached
VALUE_TOLERANCE = 1e-3  # residual of an inversion, relative to the image, at which R is known
ROUNDING = 0.25  # machine epsilons of the same: products are rounded one by one, sums are in float64
STRAY = 0.005  # of the voxels, out of the trained range: as many are above their unit, and cut in trainings
VALUE_CG = 10  # steps of conjugate gradients within one of Newton
EVERYWHERE = (-math.inf, math.inf)  # a condition tells what is out of the trained range


@dataclass(frozen=True)
class CertifiedRun:
    """A run of ``lpn`` on one item, ||A|| <= 1; ``step``: eta of pgd or rho of admm; ``strength``: of its
    prior, ``RelaxedProx``."""

    problem: LpnProblem
    solver: Solver
    step: float
    strength: float

    @property
    def weight(self) -> float:
        """Of R in the objective."""
        return 1 / self.step if self.solver == "pgd" else self.step

    def fixed_point_source(self, x: Tensor) -> Tensor:
        """v = x - grad h(x) / weight: the v of x = f(v) where x is a fixed point of either solver."""
        problem = self.problem
        v = x - problem.gradient(problem.operator.normal(x)) / self.weight
        support = problem.prox.support
        return v if support is None else v * support


def lpn_certificate(
    run: CertifiedRun,
    first: Tensor,
    found: Reconstruction,
    *,
    within: tuple[float, float],
    n_newton: int,
) -> Certificate:
    """The conditions of convergence, what the trace tells, and, where patches are exact, R of the ``first``
    image and of the one ``found``, by at most ``n_newton`` steps each: NaN where they do not find it.

    The inversion of the last image starts at ``fixed_point_source``: R of a run that converged costs one
    pass. within: values that the network was trained for, noise included.
    """
    lipschitz, shrink = 2 * run.problem.s, run.problem.prox
    before, after = seen_images(first, shrink), seen_images(found.image, shrink)
    step_name = "eta" if run.solver == "pgd" else "rho"
    figures = {"lipschitz": lipschitz, step_name: run.step, "strength": run.strength}
    if found.trace:
        figures["fixed_point_residual"] = dict(found.trace[-1].figures)["fixed_point_residual"]
    figures |= {"largest_before": float(before.abs().max()), "largest_after": float(after.abs().max())}
    square = run.weight * float(squared_norm(found.image, found.image.ndim))
    conditions = [
        *lpn_conditions(shrink.prox, run.solver, run.step, lipschitz, box=run.problem.box),
        *outcome_conditions(found.trace, square, run.strength, torch.finfo(found.image.dtype).eps),
        range_condition("first image", before, within),
        range_condition("last image", after, within),
    ]
    if shrink.prox.exact and n_newton:
        tol = VALUE_TOLERANCE * run.strength
        v, prox = seen_images(run.fixed_point_source(found.image), shrink), shrink.prox_of(found.image)
        for when, name, images, start in (
            ("before", "first image", before, None),
            ("after", "last image", after, v),
        ):
            condition, told = prior_told(when, name, images, prox, n_newton, start, tol)
            conditions.append(condition)
            figures |= told
    return Certificate(tuple(conditions), figures)


def seen_images(image: Tensor, shrink: ImageProx) -> Tensor:
    """An image of one item as the network sees it, real (n, channels, y, x): in its unit, complex ones by
    magnitude or, of two channels, by their parts."""
    scaled = image / over_image(shrink.unit, image)
    channels = shrink.prox.channels
    if not scaled.is_complex():
        return scaled.reshape(-1, channels, *image.shape[-2:])
    if channels == 1:
        return scaled.abs().reshape(-1, 1, *image.shape[-2:])
    return torch.view_as_real(scaled).reshape(-1, *image.shape[-2:], 2).movedim(-1, 1).contiguous()


def outcome_conditions(
    trace: Sequence[Iteration], square: float, strength: float, epsilon: float
) -> tuple[Condition, ...]:
    """What a trace tells afterwards.

    square: weight ||x||^2, which errors of the objective are relative to, too.  epsilon: of the machine, in
    the precision of the iterates.
    """
    found = []
    objective = [report.objective for report in trace]
    if objective and all(map(math.isfinite, objective)):
        rise = max((after - before for before, after in pairwise(objective)), default=0.0)
        most = (RISE * strength + ROUNDING * epsilon) * (max(map(abs, objective)) + square)
        text = f"the objective must not rise by more than rounding, {most:.3g}, rose by {max(rise, 0.0):.3g}"
        found.append(Condition("objective never rises", rise <= most, text))
    rest = dict(trace[-1].figures)["fixed_point_residual"] if trace else math.nan
    most = REST * strength
    text = f"the residual of the fixed point must be at most {most:g} of the image, got {rest:.3g}"
    found.append(Condition("fixed point reached", rest <= most, text))
    clipped = max((dict(report.figures)["clipped"] for report in trace), default=0.0)
    text = f"nothing must be clipped, at 0 or by the box, which R is not told, got {clipped:.3g} of the image"
    found.append(Condition("nothing clipped", clipped == 0, text))
    return tuple(found)


def range_condition(name: str, images: Tensor, within: tuple[float, float]) -> Condition:
    """Whether all but a few voxels, in all channels, have values that the network was trained for.

    images: ``seen_images``. Where 1 is the 0.995 quantile 0.5 % lie above it in every scan, at any value; a
    training clips those of its images.
    """
    inside = ((images >= within[0]) & (images <= within[1])).all(1)  # False of NaN
    share = float((~inside).double().mean())
    text = (
        f"at most {STRAY:.1%} of {name} must lie outside {within[0]:.4g} to {within[1]:.4g}, which the "
        f"network was trained for, got {share:.2%}"
    )
    return Condition(f"{name} in range", share <= STRAY, text)


def prior_told(
    when: str,
    name: str,
    images: Tensor,
    prox: LearnedProx,
    n_newton: int,
    start: Tensor | None,
    tol: float,
) -> tuple[Condition, dict[str, float]]:
    """Whether R of the image called ``name`` was found, and ``prior_WHEN``, R summed over the slices of
    ``seen_images``, in the network's unit, up to a constant, NaN where it was not;
    ``inversion_residual_WHEN`` and ``reach_WHEN``, the largest of a slice.

    start: the v that is expected, as ``images``; where it is right no step is taken.  tol: residual at which
    R is known.
    """
    found = prior_of(
        prox,
        images,
        tol=tol,
        n_newton=n_newton,
        n_cg=VALUE_CG,
        start=start,
        within=EVERYWHERE,
    )
    residual = float(found.residual.max())
    text = (
        f"R of {name} must be found by n_newton = {n_newton} steps to a residual ‖f(v) − x‖ / ‖x‖ of at most "
        f"{tol:g}, got {residual:.3g}"
    )
    holds = residual <= tol
    figures = {
        f"prior_{when}": float(found.value.sum()) if holds else math.nan,
        f"inversion_residual_{when}": residual,
        f"reach_{when}": float(found.reach.max()),
    }
    return Condition(f"prior of {name} found", holds, text), figures
