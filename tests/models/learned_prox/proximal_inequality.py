"""What every proximal operator has to fulfil."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.learned_prox.evaluated import LearnedProx
from proxflow.models.learned_prox.image_prox import prior_value


def squares(x: Tensor) -> Tensor:
    """||x||^2 of every image."""
    return x.square().flatten(1).sum(1)


def proximal_prior(prox: LearnedProx, v: Tensor) -> Tensor:
    """R(f(v)), after 1/2 ||z - v||^2 + R(z) was least at z = f(v), beside all other z = f(w)."""
    x, psi = prox.evaluated(v)
    prior = prior_value(x, v, psi)
    at_own = squares(x - v) / 2 + prior
    for k in range(1, len(v)):
        z, prior_z = x.roll(k, 0), prior.roll(k, 0)
        assert bool((squares(z - v) / 2 + prior_z >= at_own - 1e-12 * at_own.abs()).all())
    return prior
