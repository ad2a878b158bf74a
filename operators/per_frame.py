"""One operator per time instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from proxflow.operators.base import LinearOperator, check_trailing_axes
from proxflow.operators.frame_groups import (
    apply_to_frames,
    frames_of,
    group_frames,
    in_frame_order,
    select_frames,
)


class PerFrame(LinearOperator):
    """Block diagonal over time: y_t = A_t x_t.

    Args:
        operators: A_t in the order of time, all of one domain and one range. Frames that hold the same
            operator object are applied as one batch of it, wherever in time they lie.

    x: (*batch, t, *domain), y: (*batch, t, *range), of the dtypes and units of the A_t.
    ``normal`` is that of the A_t.
    Raises ValueError if the operators differ in shape, there are none, or the trailing axes are not these.
    """

    def __init__(self, operators: Sequence[LinearOperator]) -> None:
        super().__init__()
        self.groups = group_frames(operators)
        self.operators = nn.ModuleList([group.operator for group in self.groups])
        self.domain_shape = (len(operators), *operators[0].domain_shape)
        self.range_shape = (len(operators), *operators[0].range_shape)

    @property
    def support(self) -> Tensor | None:
        supports: list[Tensor] = []
        for group in self.groups:
            support = group.operator.support
            if support is None:
                return None
            supports.append(support.expand(len(group.frames), *support.shape))
        return in_frame_order(supports, frames_of(self.groups), 0)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self._each(x, x.ndim - len(self.domain_shape), lambda op, frames: op.forward(frames))

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        return self._each(y, y.ndim - len(self.range_shape), lambda op, frames: op.adjoint(frames))

    def normal(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self._each(x, x.ndim - len(self.domain_shape), lambda op, frames: op.normal(frames))

    def _each(self, x: Tensor, axis: int, apply: Callable[[LinearOperator, Tensor], Tensor]) -> Tensor:
        order = frames_of(self.groups)
        result = apply_to_frames(self.groups, select_frames(x, axis, order), axis, apply)
        return in_frame_order([result], order, axis)
