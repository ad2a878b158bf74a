"""One image for all frames of a series."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from proxflow.models.methods.cg_sense import cg_sense
from proxflow.models.methods.per_frame import last_good_series
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.scaling import data_scale
from proxflow.models.methods.tv import tv
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator, check_trailing_axes
from proxflow.operators.frame_operator import FrameOperator

Penalty = Literal["tv", "tikhonov"]


class AtRest(LinearOperator):
    """S x = (A_0 x, ..., A_{T-1} x) / sqrt(T): the measurements of a series of equal frames.

    ||S|| is at most the largest frame's ||A_t||.
    x: (*batch, *frame_domain).  y: (*batch, T, *frame_range).
    """

    def __init__(self, frames: FrameOperator) -> None:
        super().__init__()
        self.frames, self.factor = frames, frames.n_frames**-0.5
        self.domain_shape, self.range_shape = frames.frame_domain, frames.range_shape

    @property
    def support(self) -> Tensor | None:
        support = self.frames.support
        return None if support is None else support.any(0)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self.factor * self.frames.forward(self.series(x))

    def adjoint(self, y: Tensor) -> Tensor:
        return self.factor * self.frames.adjoint(y).sum(-len(self.domain_shape) - 1)

    def normal(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self.factor**2 * self.frames.normal(self.series(x)).sum(-len(self.domain_shape) - 1)

    def series(self, x: Tensor) -> Tensor:
        """x in every frame, (*batch, T, *frame_domain), of x's memory."""
        n_axes = len(self.domain_shape)
        return x.unsqueeze(-n_axes - 1).expand(*x.shape[: x.ndim - n_axes], *self.frames.domain_shape)


def static(
    operator: FrameOperator,
    y: Tensor,
    *,
    n_iter: int = 100,
    lam: float = 3e-4,
    penalty: Penalty = "tv",
    nonnegative: bool = False,
    tol: float = 1e-4,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x = argmin_{x in C} 1/2 sum_t ||A_t x - y_t||^2 + lam R(x), the image that all frames then are.

    Args:
        operator: of norm at most 1.  y: (T, *frame_range).
        penalty: "tv": R is the total variation, by ``tv``; "tikhonov": 1/2 ||x||^2, by ``cg_sense``.
        lam: relative, as for one frame: A_t stacked over sqrt(T), and data that give it a peak of 1.
        nonnegative: C is the real x >= 0; with "tv" alone.

    image: (T, *frame_domain). Raises ValueError for ``nonnegative`` without "tv", and as the two methods do.
    """
    if nonnegative and penalty != "tv":
        raise ValueError(f"nonnegative must be false unless penalty is tv, got true with {penalty}")
    at_rest = AtRest(operator)
    scale = data_scale(at_rest, y)

    def series(x: Tensor) -> Tensor:
        return at_rest.series(x * (scale * at_rest.factor))

    with last_good_series(series):
        if penalty == "tv":
            found = tv(
                at_rest,
                y / scale,
                n_iter=n_iter,
                lam=lam,
                tol=tol,
                nonnegative=nonnegative,
                monitor=monitor,
                resume=resume,
            )
        else:
            found = cg_sense(
                at_rest, y / scale, n_iter=n_iter, lam=lam, tol=tol, monitor=monitor, resume=resume
            )
    return Reconstruction(series(found.image), found.trace)
