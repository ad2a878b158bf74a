"""Frames of a time series that share an operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator


class FrameGroup(NamedTuple):
    """Frames, by their index in time, that one operator measures."""

    operator: LinearOperator
    frames: list[int]


def group_frames(operators: Sequence[LinearOperator]) -> list[FrameGroup]:
    """The frames of each distinct operator object, in the order of first appearance.

    Raises ValueError if there are no operators, or not all share one domain and one range.
    """
    shapes = list(dict.fromkeys((op.domain_shape, op.range_shape) for op in operators))
    if len(shapes) != 1:
        raise ValueError(f"operators must be one or more with one domain and one range, got {shapes}")
    groups: dict[int, FrameGroup] = {}
    for frame, operator in enumerate(operators):
        groups.setdefault(id(operator), FrameGroup(operator, [])).frames.append(frame)
    return list(groups.values())


def frames_of(groups: Sequence[FrameGroup]) -> list[int]:
    """The frames of all ``groups``, one group after the other."""
    return [frame for group in groups for frame in group.frames]


def chunk_groups(groups: Sequence[FrameGroup], size: int) -> Iterator[list[FrameGroup]]:
    """``groups`` cut into lists of at most ``size`` frames each, a group split where it must be."""
    chunk, free = list[FrameGroup](), size
    for operator, frames in groups:
        start = 0
        while start < len(frames):
            part = frames[start : start + free]
            chunk.append(FrameGroup(operator, part))
            start, free = start + len(part), free - len(part)
            if free == 0:
                yield chunk
                chunk, free = [], size
    if chunk:
        yield chunk


def select_frames(x: Tensor, axis: int, frames: Sequence[int]) -> Tensor:
    """x at ``frames`` along ``axis``; x itself where these are all of them in order."""
    if list(frames) == list(range(x.shape[axis])):
        return x
    return x.index_select(axis, torch.tensor(frames, device=x.device))


def apply_to_frames(
    groups: Sequence[FrameGroup], x: Tensor, axis: int, apply: Callable[[LinearOperator, Tensor], Tensor]
) -> Tensor:
    """``apply(operator, its frames)`` for each group, joined; x holds ``frames_of(groups)`` along ``axis``.

    ``axis`` counts from the front, behind the batch axes, where it is the frame axis of the result too.
    """
    if len(groups) == 1:
        return apply(groups[0].operator, x)
    parts = x.split([len(group.frames) for group in groups], dim=axis)
    results = [apply(group.operator, part) for group, part in zip(groups, parts, strict=True)]
    return torch.cat(results, dim=axis)


def in_frame_order(parts: Sequence[Tensor], frames: Sequence[int], axis: int) -> Tensor:
    """``parts``, which hold ``frames`` along ``axis``, joined and sorted by frame."""
    joined = parts[0] if len(parts) == 1 else torch.cat(list(parts), dim=axis)
    if list(frames) == sorted(frames):
        return joined
    return joined.index_select(axis, torch.tensor(frames, device=joined.device).argsort())
