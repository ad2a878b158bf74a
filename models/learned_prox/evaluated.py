"""What methods with a learned prior ask of it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor

N_AXES = 3  # of one image: channels, y, x


class Evaluated(NamedTuple):
    """x = f(v), of v's shape, and psi(v), float64 (n,); NaN where f is not the gradient of a psi."""

    image: Tensor
    potential: Tensor


class LearnedProx(Protocol):
    """f = grad psi of every image on its own, with psi convex: the proximal operator of

        R = psi* - 1/2 ||.||^2,   R(f(v)) = <f(v), v> - 1/2 ||f(v)||^2 - psi(v)

    whatever was learnt. R is known up to a constant, and has the unit of x^2.

    images: real (n, channels, y, x), objects with values of 0 to 1.
    """

    channels: int
    strong_convexity: float  # <f(a) - f(b), a - b> >= this ||a - b||^2

    @property
    def exact(self) -> bool:
        """Whether f is a gradient, so that there is an R."""
        ...

    def __call__(self, images: Tensor, /) -> Tensor: ...

    def evaluated(self, images: Tensor, /) -> Evaluated: ...

    def derivative(self, images: Tensor, directions: Tensor, /) -> Tensor:
        """J(v) d, J the symmetric Jacobian of f."""
