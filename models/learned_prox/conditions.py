"""What has to hold for iterations with a learned proximal operator to converge, and whether it does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxflow.models.methods.unsuitable import UnsuitableError

if TYPE_CHECKING:  # whoever only shows conditions does without torch
    from proxflow.models.learned_prox.evaluated import LearnedProx


@dataclass(frozen=True)
class Condition:
    """text: what must hold, and what was found, in one sentence."""

    name: str
    holds: bool
    text: str


def pgd_conditions(prox: LearnedProx, eta: float, lipschitz: float, box: bool) -> tuple[Condition, ...]:
    """Of proximal gradient descent on h + R / eta: with all of them the objective never increases,

        F(x_{k+1}) <= F(x_k) - (1 / (2 eta) - L_h / 2) ||x_{k+1} - x_k||^2

    lipschitz: L_h, of grad h.  Source: Fang, Buchanan & Sulam, ICLR 2024.
    """
    bound = 1 / lipschitz if lipschitz else math.inf
    step = Condition("eta < 1 / L_h", eta < bound, f"eta must be below 1 / L_h = {bound:.4g}, got {eta:g}")
    return (*_of_prox(prox), step, _no_box(box))


def admm_conditions(prox: LearnedProx, rho: float, lipschitz: float, box: bool) -> tuple[Condition, ...]:
    """Of ADMM in the order x, u, z: with all of them the iterates converge to a fixed point.

    lipschitz: L_h, of grad h.  Source: Fang, Buchanan & Sulam, ICLR 2024, whose alpha is twice the one here;
    Themelis & Patrinos, SIAM J. Optim. 30:149 (2020), for an R that is not convex.
    """
    penalty = Condition("rho > L_h", rho > lipschitz, f"rho must be above L_h = {lipschitz:.4g}, got {rho:g}")
    convexity = prox.strong_convexity
    told = f"2 alpha of the network, 1 - t (1 - 2 alpha) at strength t, must lie in (0, 1), got {convexity:g}"
    strong = Condition("0 < 2 alpha < 1", 0 < convexity < 1, told)
    return (*_of_prox(prox), penalty, strong, _no_box(box))


def require(conditions: tuple[Condition, ...]) -> None:
    """Raise UnsuitableError with the sentence of the first that does not hold."""
    for condition in conditions:
        if not condition.holds:
            raise UnsuitableError(f"{condition.text} (setting guaranteed)")


def _of_prox(prox: LearnedProx) -> tuple[Condition, ...]:
    got = "exact" if prox.exact else "averaged"
    text = f"prox must be the gradient of a convex potential, by exact patches, got {got} patches"
    return (Condition("exact patches", prox.exact, text),)


def _no_box(box: bool) -> Condition:
    text = f"box must be false, since it is no part of the theorem, got {str(box).lower()}"
    return Condition("no box", not box, text)
