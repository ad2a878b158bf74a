"""How methods of single images are used on series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.base import LinearOperator
from proxflow.operators.frame_operator import FrameOperator


class FramesAsBatch(LinearOperator):
    """The frames of a series as T problems of their own, side by side on a batch axis.

    x: (T, *frame_domain).  y: (T, *frame_range): the arrays of the series, but ``domain_shape`` and
    ``range_shape`` are those of one frame, so that methods minimise, restart and step frame by frame.
    """

    def __init__(self, series: FrameOperator) -> None:
        super().__init__()
        self.series = series
        self.domain_shape, self.range_shape = series.frame_domain, series.frame_range

    @property
    def support(self) -> Tensor | None:
        """bool (T, *frame_domain), to be broadcast against the batch."""
        return self.series.support

    def forward(self, x: Tensor) -> Tensor:
        return self.series.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.series.adjoint(y)

    def normal(self, x: Tensor) -> Tensor:
        return self.series.normal(x)


@contextmanager
def last_good_series(series: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Where a method within diverges, its last good image is that of ``series``, made of its own."""
    try:
        yield
    except DivergenceError as error:
        raise DivergenceError(error.reason, error.iteration, series(error.last_good)) from error
