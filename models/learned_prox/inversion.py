"""The point that a learned proximal operator maps to a given image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.learned_prox.evaluated import N_AXES, LearnedProx
from proxflow.models.solvers.conjugate_gradient import cg_steps
from proxflow.models.solvers.inner_product import inner, over_image, squared_norm

FORCING = 0.1  # by how much conjugate gradients lower the residual of a Newton step, at most
HALVINGS = 30  # of a step that overshoots
SUFFICIENT = 1e-4  # of Armijo's rule
FLAT = 0.8  # of the slope along a step, of either sign, that is left where rounding hides the objective


class Inversion(NamedTuple):
    """v with f(v) = x as far as ``residual`` tells; numbers are float64 (n,)."""

    v: Tensor  # (n, channels, y, x)
    image: Tensor  # f(v)
    potential: Tensor  # psi(v)
    residual: Tensor  # ||f(v) - x|| / ||x||, ||f(v)|| where x = 0
    n_steps: int  # of Newton, of all images together


def inverted(
    prox: LearnedProx,
    images: Tensor,
    *,
    tol: float = 1e-5,
    n_newton: int = 50,
    n_cg: int = 50,
    start: Tensor | None = None,
) -> Inversion:
    """v = argmin_v psi(v) - <x, v>, whose gradient is f(v) - x, for every image on its own.

    Newton's method: J d = x - f(v) by conjugate gradients, truncated where the residual is min(0.1,
    its root) of what it was, then v + t d with the largest t = 1, 1/2, 1/4, ... that lowers the objective
    (Armijo), or, where rounding hides that, flattens its slope. psi is convex, and where f is not injective
    any of its v gives the same R. It is done where all residuals are below ``tol``, or none gets smaller;
    the residual of a black image, x = 0, is absolute.

    Args:
        images: real (n, channels, y, x), whose v are wanted; in float64, with a network in float64, residuals
            go to 1e-10, in float32 to about 1e-5.
        start: (n, channels, y, x), or None: x itself.

    Raises ValueError if ``prox`` is no gradient: then nothing is convex.
    Source: the convex programme of Fang, Buchanan & Sulam, ICLR 2024, who solve it by nonlinear conjugate
    gradients; Nocedal & Wright, Numerical Optimization, section 7.1, for the method.
    """
    if not prox.exact:
        raise ValueError("prox must be a gradient to be inverted, got one of averaged patches")
    v = images if start is None else start
    norm = relative_to(images)
    image, potential = prox.evaluated(v)
    residual = squared_norm(image - images, N_AXES).sqrt() / norm
    n_steps = 0
    while n_steps < n_newton and bool((residual > tol).any()):
        n_steps += 1
        gradient = image - images
        direction = _newton_direction(prox, v, gradient, residual, n_cg)
        direction = direction * over_image(residual > tol, direction)
        v, image, potential, moved = _searched(prox, images, v, gradient, potential, direction)
        residual = squared_norm(image - images, N_AXES).sqrt() / norm
        if not moved:
            break
    return Inversion(v, image, potential, residual, n_steps)


def relative_to(images: Tensor) -> Tensor:
    """||x|| of every image, or 1 where x = 0: what errors are divided by, those of a black image absolute."""
    norm = squared_norm(images, N_AXES).sqrt()
    return torch.where(norm > 0, norm, 1.0)


def _newton_direction(prox: LearnedProx, v: Tensor, gradient: Tensor, residual: Tensor, n_cg: int) -> Tensor:
    forcing = min(FORCING, float(residual.max()) ** 0.5)
    return cg_steps(
        lambda d: prox.derivative(v, d), -gradient, n_axes=N_AXES, n_iter=n_cg, residual_tol=forcing
    ).x


def _searched(
    prox: LearnedProx, images: Tensor, v: Tensor, gradient: Tensor, potential: Tensor, direction: Tensor
) -> tuple[Tensor, Tensor, Tensor, bool]:
    """v + t d, f and psi there, and whether any image moved; those that find no t stay."""
    slope = inner(gradient, direction, N_AXES)
    value = potential - inner(images, v, N_AXES)
    rounding = 100 * torch.finfo(v.dtype).eps * (potential.abs() + squared_norm(v, N_AXES))
    t = torch.ones_like(slope)
    for _ in range(HALVINGS):
        trial = v + over_image(t, v) * direction
        image, psi = prox.evaluated(trial)
        new_value = psi - inner(images, trial, N_AXES)
        new_slope = inner(image - images, direction, N_AXES)
        lower = new_value <= value + SUFFICIENT * t * slope
        flat = (new_slope.abs() <= FLAT * slope.abs()) & (new_value <= value + rounding)
        good = lower | flat | (slope == 0)
        if bool(good.all()):
            return trial, image, psi, bool((slope != 0).any())
        t = torch.where(good, t, t / 2)
    t = torch.where(good, t, 0.0)
    trial = v + over_image(t, v) * direction
    return trial, *prox.evaluated(trial), bool((good & (slope != 0)).any())
