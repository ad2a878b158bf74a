"""Measurements of a partially separable object, without forming all of its frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from proxflow.operators.base import LinearOperator, check_trailing_axes
from proxflow.operators.frame_groups import (
    apply_to_frames,
    chunk_groups,
    frames_of,
    group_frames,
    in_frame_order,
    select_frames,
)
from proxflow.operators.temporal_basis import MEMORY_BYTES, TemporalBasisOperator, frames_per_chunk


class PartiallySeparable(LinearOperator):
    """y_t = A_t f_t with f_t = sum_r Lambda_r Psi[t, r], linear in the spatial factors Lambda.

    Args:
        operators: A_t in the order of time, of one domain and one range; frames may share an operator.
        temporal_basis: Psi, (t, rank), real or complex. Gradients reach it as they reach Lambda: a backward
            pass gives both at one A_t^H per frame.
        memory_bytes: for the frames held at one time and their measurements; one frame is always held.

    x: Lambda, (*batch, rank, *domain).  y: (*batch, t, *range).  Psi is used in x's dtype.

    Of two orders of summation, the one with fewer applications of an operator A that m frames share:

        m > rank:   y_t = sum_r Psi[t, r] (A Lambda_r),  A^H (sum_t conj(Psi[t, r]) y_t):  rank applications
        m <= rank:  y_t = A (sum_r Psi[t, r] Lambda_r), frames in chunks within memory_bytes:  m applications

    ``normal`` chooses alike, with A^H A. Raises ValueError if shapes do not fit, or a complex Psi meets a
    real array.
    Source: Liang, Proc. IEEE ISBI, 988 (2007).
    """

    temporal_basis: Tensor

    def __init__(
        self,
        operators: Sequence[LinearOperator],
        temporal_basis: Tensor,
        *,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        super().__init__()
        self.groups = group_frames(operators)
        if temporal_basis.ndim != 2 or len(temporal_basis) != len(operators) or not temporal_basis.numel():
            raise ValueError(
                f"temporal_basis must have shape ({len(operators)}, rank), got {tuple(temporal_basis.shape)}"
            )
        self.operators = nn.ModuleList([group.operator for group in self.groups])
        self.register_buffer("temporal_basis", temporal_basis)
        self.memory_bytes = memory_bytes
        self.frame_domain, self.frame_range = operators[0].domain_shape, operators[0].range_shape
        self.domain_shape = (temporal_basis.shape[1], *self.frame_domain)
        self.range_shape = (len(operators), *self.frame_range)
        rank = temporal_basis.shape[1]
        self._shared = [group for group in self.groups if len(group.frames) > rank]
        self._framewise = [group for group in self.groups if len(group.frames) <= rank]

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        psi, axis = self._basis("x", x), x.ndim - len(self.domain_shape)
        parts, order = list[Tensor](), list[int]()
        for group in self._shared:
            parts.append(_mix(psi[group.frames], group.operator.forward(x), axis))
            order += group.frames
        for groups in chunk_groups(self._framewise, self._chunk_size(x, axis)):
            frames = _mix(psi[frames_of(groups)], x, axis)
            parts.append(apply_to_frames(groups, frames, axis, lambda op, part: op.forward(part)))
            order += frames_of(groups)
        return in_frame_order(parts, order, axis)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        psi, axis = self._basis("y", y).mH, y.ndim - len(self.range_shape)
        total = y.new_zeros((*y.shape[:axis], *self.domain_shape))
        for group in self._shared:
            frames = select_frames(y, axis, group.frames)
            total = total + group.operator.adjoint(_mix(psi[:, group.frames], frames, axis))
        for groups in chunk_groups(self._framewise, self._chunk_size(y, axis)):
            frames = select_frames(y, axis, frames_of(groups))
            images = apply_to_frames(groups, frames, axis, lambda op, part: op.adjoint(part))
            total = total + _mix(psi[:, frames_of(groups)], images, axis)
        return total

    def normal(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        psi, axis = self._basis("x", x), x.ndim - len(self.domain_shape)
        total = torch.zeros_like(x)
        for group in self._shared:
            gram = psi[group.frames].mH @ psi[group.frames]
            total = total + _mix(gram, group.operator.normal(x), axis)
        for groups in chunk_groups(self._framewise, self._chunk_size(x, axis)):
            weights = psi[frames_of(groups)]
            frames = _mix(weights, x, axis)
            images = apply_to_frames(groups, frames, axis, lambda op, part: op.normal(part))
            total = total + _mix(weights.mH, images, axis)
        return total

    def frames(self, x: Tensor, times: Sequence[int]) -> Tensor:
        """f_t at ``times``, indices into the frames: (*batch, len(times), *domain)."""
        check_trailing_axes("x", x, self.domain_shape)
        return _mix(self._basis("x", x)[list(times)], x, x.ndim - len(self.domain_shape))

    def as_function_of_basis(self, x: Tensor) -> TemporalBasisOperator:
        """The same y as a linear function of Psi, (t, rank), for the spatial factors x, (rank, *domain)."""
        return TemporalBasisOperator(self.groups, x, memory_bytes=self.memory_bytes)

    def _basis(self, name: str, x: Tensor) -> Tensor:
        if self.temporal_basis.is_complex() and not x.is_complex():
            raise ValueError(f"{name} must be complex for a complex temporal_basis, got {x.dtype}")
        return self.temporal_basis.to(x.dtype)

    def _chunk_size(self, x: Tensor, axis: int) -> int:
        n_batch = math.prod(x.shape[:axis])
        return frames_per_chunk(self.memory_bytes, n_batch, self.frame_domain, self.frame_range, x.dtype)


def _mix(weights: Tensor, x: Tensor, axis: int) -> Tensor:
    """sum_r weights[t, r] x_r over the ``axis`` of x, which holds r and then t."""
    return (weights @ x.flatten(axis + 1)).unflatten(-1, x.shape[axis + 1 :])
