"""A learned proximal operator of images that are 0 outside a support."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.learned_prox.evaluated import Evaluated, LearnedProx


class SupportedProx:
    """S f(S v), the gradient of psi(S v) and so a proximal operator as well: a ``LearnedProx``, whose
    inversion finds v of images that are 0 outside the support.

    keep: bool, S, with axes (n, channels, y, x) of the images or 1.
    strong_convexity: that of f, for v within the support; outside psi(S v) is flat.
    """

    def __init__(self, prox: LearnedProx, keep: Tensor) -> None:
        self.prox, self.keep = prox, keep
        self.channels, self.strong_convexity = prox.channels, prox.strong_convexity

    @property
    def exact(self) -> bool:
        return self.prox.exact

    def __call__(self, images: Tensor) -> Tensor:
        return self.prox(images * self.keep) * self.keep

    def evaluated(self, images: Tensor) -> Evaluated:
        image, potential = self.prox.evaluated(images * self.keep)
        return Evaluated(image * self.keep, potential)

    def derivative(self, images: Tensor, directions: Tensor) -> Tensor:
        """S J(S v) S d."""
        return self.prox.derivative(images * self.keep, directions * self.keep) * self.keep
