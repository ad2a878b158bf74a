"""The value of a learned prior at an image, and how far it is to be trusted."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from proxflow.models.learned_prox.evaluated import N_AXES, LearnedProx
from proxflow.models.learned_prox.image_prox import prior_value
from proxflow.models.learned_prox.inversion import inverted, relative_to
from proxflow.models.solvers.inner_product import squared_norm

TRAINED = (-0.25, 1.25)  # values of images that a network for 0 to 1, with noise around, has an answer for


class PriorValue(NamedTuple):
    """float64 (n,); residual and reach are absolute, not divided by ||x||, where x = 0."""

    value: Tensor  # R(f(v)), up to one constant of the network
    residual: Tensor  # ||f(v) - x|| / ||x||: R is that of f(v), not of x, where this is not small
    reach: Tensor  # ||v - x|| / ||x||: a v far from x is where the network was never trained


def prior_of(
    prox: LearnedProx,
    images: Tensor,
    *,
    tol: float = 1e-5,
    n_newton: int = 50,
    n_cg: int = 50,
    start: Tensor | None = None,
    within: tuple[float, float] = TRAINED,
) -> PriorValue:
    """R(x) = <x, v> - 1/2 ||x||^2 - psi(v) at v = v*(x), for every image; see ``inverted``.

    A proximal-matching network trained with noise of std sigma has R of about -sigma^2 log p(x) as gamma
    goes to 0: divide by sigma^2 to compare with a log-density. Trained on images, gamma never gets there: R
    is a learned potential.

    Args:
        images: real (n, channels, y, x), objects with values of 0 to 1.
        start: v to begin at, of the same shape; None: the images.
        within: values that images may have; beyond, nothing was trained.

    Raises ValueError for values outside ``within``, NaN among them, and for averaged patches.
    Source: Fang, Buchanan & Sulam, ICLR 2024.
    """
    least, most = float(images.min()), float(images.max())
    if not within[0] <= least <= most <= within[1]:
        raise ValueError(
            f"images must have values within {within[0]:g} to {within[1]:g}, which the network was trained "
            f"for, got {least:g} to {most:g}"
        )
    found = inverted(prox, images, tol=tol, n_newton=n_newton, n_cg=n_cg, start=start)
    value = prior_value(found.image, found.v, found.potential)
    reach = squared_norm(found.v - images, N_AXES).sqrt() / relative_to(images)
    return PriorValue(value, found.residual, reach)
