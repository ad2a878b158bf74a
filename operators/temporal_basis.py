"""Measurements of a partially separable object as a function of its temporal basis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from proxflow.operators.base import LinearOperator, check_trailing_axes
from proxflow.operators.frame_groups import (
    FrameGroup,
    apply_to_frames,
    chunk_groups,
    frames_of,
    in_frame_order,
    select_frames,
)

MEMORY_BYTES = 2**28


class TemporalBasisOperator(LinearOperator):
    """y_t = A_t sum_r Lambda_r Psi[t, r], linear in the temporal basis Psi for fixed spatial factors Lambda.

    Args:
        groups: the frames of each operator A, from ``group_frames``.
        factors: Lambda, (rank, *domain), real or complex.
        memory_bytes: where all A Lambda_r fit, they are computed here, rank applications of each distinct
            operator, and held: forward and adjoint are then small matrix products. Otherwise each call
            applies A_t once per frame, to frames formed in chunks within it; one frame is always held.

    x: Psi, (*batch, t, rank).  y: (*batch, t, *range).  The adjoint for a real Psi and complex factors is the
    real part of this one. Raises ValueError if the shapes do not fit, or complex factors meet a real array.
    """

    factors: Tensor
    responses: Tensor | None

    def __init__(
        self, groups: Sequence[FrameGroup], factors: Tensor, *, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        super().__init__()
        first = groups[0].operator
        self.frame_domain, self.frame_range = first.domain_shape, first.range_shape
        if factors.ndim != len(self.frame_domain) + 1 or factors.shape[1:] != self.frame_domain:
            raise ValueError(
                f"factors must have axes (rank, *{self.frame_domain}), got shape {tuple(factors.shape)}"
            )
        self.groups, self.memory_bytes = list(groups), memory_bytes
        self.operators = nn.ModuleList([group.operator for group in groups])
        self.register_buffer("factors", factors)
        self.domain_shape = (len(frames_of(groups)), len(factors))
        self.range_shape = (self.domain_shape[0], *self.frame_range)
        n_bytes = len(groups) * len(factors) * math.prod(self.frame_range) * factors.itemsize
        held = n_bytes <= memory_bytes
        images = [group.operator.forward(factors).flatten(1) for group in groups] if held else None
        self.register_buffer("responses", None if images is None else torch.stack(images))

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        self._check_complex("x", x)
        parts, axis = list[Tensor](), x.ndim - 2
        if self.responses is not None:
            for group, response in zip(self.groups, self.responses.to(x.dtype), strict=True):
                product = select_frames(x, axis, group.frames) @ response
                parts.append(product.unflatten(-1, self.frame_range))
        else:
            factors = self.factors.to(x.dtype).flatten(1)
            for groups in chunk_groups(self.groups, self._chunk_size(x, axis)):
                product = select_frames(x, axis, frames_of(groups)) @ factors
                frames = product.unflatten(-1, self.frame_domain)
                parts.append(apply_to_frames(groups, frames, axis, lambda op, part: op.forward(part)))
        return in_frame_order(parts, frames_of(self.groups), axis)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        self._check_complex("y", y)
        parts, axis = list[Tensor](), y.ndim - len(self.range_shape)
        if self.responses is not None:
            for group, response in zip(self.groups, self.responses.to(y.dtype), strict=True):
                parts.append(select_frames(y, axis, group.frames).flatten(axis + 1) @ response.mH)
        else:
            factors = self.factors.to(y.dtype).flatten(1)
            for groups in chunk_groups(self.groups, self._chunk_size(y, axis)):
                frames = select_frames(y, axis, frames_of(groups))
                images = apply_to_frames(groups, frames, axis, lambda op, part: op.adjoint(part))
                parts.append(images.flatten(axis + 1) @ factors.mH)
        return in_frame_order(parts, frames_of(self.groups), axis)

    def _check_complex(self, name: str, array: Tensor) -> None:
        if self.factors.is_complex() and not array.is_complex():
            raise ValueError(f"{name} must be complex for complex factors, got {array.dtype}")

    def _chunk_size(self, x: Tensor, axis: int) -> int:
        n_batch = math.prod(x.shape[:axis])
        return frames_per_chunk(self.memory_bytes, n_batch, self.frame_domain, self.frame_range, x.dtype)


def frames_per_chunk(
    memory_bytes: int, n_batch: int, domain: tuple[int, ...], result: tuple[int, ...], dtype: torch.dtype
) -> int:
    """Frames that fit ``memory_bytes`` together with their measurements, at least one."""
    per_frame = n_batch * (math.prod(domain) + math.prod(result)) * dtype.itemsize
    return max(1, memory_bytes // max(1, per_frame))
