"""The unit in which RED-PSM's authors state their numbers."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.operators.frame_operator import FrameOperator

PEAK = 0.0718  # of the authors' walnut


class ReleasedScale(NamedTuple):
    """``gain`` times the operator has rays in pixels; ``unit`` times the object has the peak 0.0718."""

    gain: float
    unit: float


def released_scale(operator: FrameOperator, peak: float) -> ReleasedScale:
    """For an operator that is known up to a factor, and an object with this peak there.

    A pixel's length is found from the projections of a disc of ones, whose longest ray crosses J pixels.
    """
    frame = disc(operator.frame_domain).to(operator.mask.device, torch.float32)[None]
    whole = operator.with_mask(torch.ones_like(operator.mask))
    frames = (slice(t, t + 1) for t in range(operator.n_frames))
    longest = max(float(whole.forward_of(frame, one).abs().max()) for one in frames)
    return ReleasedScale(min(operator.frame_domain) / longest, PEAK / peak)


def disc(shape: tuple[int, ...]) -> Tensor:
    """bool (ny, nx): a disc around the middle of the pixels that touches the nearer edges."""
    rows, columns = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2 for size in shape)
    return rows[:, None].square() + columns.square() < (min(shape) / 2) ** 2
