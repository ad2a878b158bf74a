"""A learned proximal operator of which a part of each step is taken: its prior, weaker."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.learned_prox.evaluated import N_AXES, Evaluated, LearnedProx
from proxflow.models.solvers.inner_product import squared_norm


class RelaxedProx:
    """f_t(v) = v + t (f(v) - v), the gradient of psi_t = (1 - t) / 2 ||v||^2 + t psi(v), convex for t of 0 to
    1, and so a proximal operator as well: a ``LearnedProx``.

    Its prior R_t has t times the Moreau envelope of R, and for small t is t times that envelope itself, which
    is R with its bends rounded:

        min_x R_t(x) + 1/2 ||x - v||^2 = 1/2 ||v||^2 - psi_t(v) = t (1/2 ||v||^2 - psi(v))
        R_t(x) = t (1/2 ||x||^2 - psi(x)) + O(t^2)

    So a network that was trained with noise of std sigma serves for weaker noise, about sigma sqrt(t), with
    all that is guaranteed of it. f_t(x) = x where f(x) = x, and where f enlarges differences by a gain, f_t
    does so by 1 + t (gain - 1) at most.

    strength: t, above 0, at most 1.

    Raises ValueError for another strength.
    Source: the relaxed denoisers of Hurault, Chambolle, Leclaire & Papadakis, J. Math. Imaging Vis. 66
    (2024), for a prior that may have any weight; with learned proximal networks, ours.
    """

    def __init__(self, prox: LearnedProx, strength: float) -> None:
        if not 0 < strength <= 1:
            raise ValueError(f"strength must be above 0 and at most 1, got {strength:g}")
        self.prox, self.strength = prox, strength
        self.channels = prox.channels
        self.strong_convexity = 1 - strength + strength * prox.strong_convexity

    @property
    def exact(self) -> bool:
        return self.prox.exact

    def __call__(self, images: Tensor) -> Tensor:
        return self._part(self.prox(images), images)

    def evaluated(self, images: Tensor) -> Evaluated:
        image, potential = self.prox.evaluated(images)
        square = squared_norm(images, N_AXES) / 2
        return Evaluated(self._part(image, images), square + self.strength * (potential - square))

    def derivative(self, images: Tensor, directions: Tensor) -> Tensor:
        """d + t (J(v) d - d)."""
        return self._part(self.prox.derivative(images, directions), directions)

    def _part(self, whole: Tensor, nothing: Tensor) -> Tensor:
        return whole if self.strength == 1 else nothing + self.strength * (whole - nothing)
