"""What an iteration of a method for series says of itself, none of which needs the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from proxflow.models.dynamic.held_out_views import Views, held_out_residual
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import relative_change
from proxflow.operators.frame_operator import FrameOperator


@dataclass(frozen=True)
class SeriesReport:
    """Residuals of an image, and how far ADMM's copies are apart.

    Attributes:
        operator, y: of all measured views.
        views: which of them the solver was given, and which not.
        refit: the solver is given all views again; those that were held out judge nothing any more.
        memory_bytes: of the measurements formed at once; those of one frame always are.
    """

    operator: FrameOperator
    y: Tensor
    views: Views
    memory_bytes: int
    refit: bool = False

    def residual(self, image: Tensor) -> float:
        """||A f - y|| / ||y|| over the views given."""
        given = self.operator if self.refit else self.operator.with_mask(self.views.given)
        step = max(1, self.memory_bytes // (3 * self.y[0].nbytes))
        misfit = size = 0.0
        for start in range(0, self.operator.n_frames, step):
            frames = slice(start, min(start + step, self.operator.n_frames))
            wanted = given.masked(self.y[frames], frames)
            found = given.forward_of(image[frames], frames)
            misfit += float(squared_norm(found - wanted, wanted.ndim))
            size += float(squared_norm(wanted, wanted.ndim))
        return relative_change(misfit**0.5, size**0.5)

    def figures(self, image: Tensor, x: Tensor, f: Tensor, gamma: Tensor) -> dict[str, float]:
        """primal_residual ||x - f|| / ||x||, dual_norm ||gamma|| / ||x||, and held_out_residual of ``image``
        where views are held out: nan once they are given again.

        x: Lambda Psi^T.  image: what would be delivered now.
        """
        size = norm(x)
        found = {
            "primal_residual": relative_change(norm(x - f), size),
            "dual_norm": relative_change(norm(gamma), size),
        }
        if self.views.held.any():
            held = math.nan if self.refit else self._held_out_residual(image)
            found["held_out_residual"] = held
        return found

    def _held_out_residual(self, image: Tensor) -> float:
        return held_out_residual(self.operator, self.y, self.views.held, image)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the figures, in their order."""
        held = ("held_out_residual",) if self.views.held.any() else ()
        return ("primal_residual", "dual_norm", *held)


def norm(x: Tensor) -> float:
    """||x|| over all axes."""
    return float(squared_norm(x, x.ndim)) ** 0.5
