"""What a method's numbers tell of the time it takes, for estimates before a run."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class MethodCost(NamedTuple):
    """Of a method that iterates; applications are of ``normal``, or of a forward with an adjoint.

    each: applications in an iteration.  before: applications before the first one.
    fewest: iterations that can be asked for.
    warm_up: iterations before those of ``n_iter``, of as many applications.
    passes: calls of the prior for what is certified of an image that is delivered, as many as usual.
    apart: numbers with which an iteration is timed on an operator that costs nothing, where that operator
    would decide them otherwise.
    """

    each: int = 1
    before: int = 0
    fewest: int = 1
    apart: Mapping[str, float | str | None] = MappingProxyType({})
    passes: int = 0
    warm_up: int = 0


CONSTRAINED_EACH = 7  # of the constrained methods: five conjugate gradient steps, and two more
NEWTON_PASSES = (
    22  # of a network, usually, in a step of its inversion: ten conjugate gradients of two, and two
)
UNIT_APPLICATIONS = 12  # of the image that tells the unit of diffusion priors, and of what is seen
PHASE_APPLICATIONS = 11  # of the same image once more, where its phase is taken off before
NOISE_APPLICATIONS = 260  # of the estimate of the noise where it is not given


def first_applications(phase: str) -> int:
    """Before the first step of methods that see images in a unit, and with ``phase`` "smooth" without it."""
    return UNIT_APPLICATIONS + (PHASE_APPLICATIONS if phase == "smooth" else 0)
