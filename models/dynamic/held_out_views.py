"""Views kept from a solver, which its result must predict: the rule that stops it, without the truth."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import relative_change
from proxflow.operators.frame_operator import FrameOperator


class Views(NamedTuple):
    """bool masks, (T, *views) of a ``FrameOperator``, without a view in common."""

    given: Tensor
    held: Tensor


def split_views(mask: Tensor, fraction: float, seed: int) -> Views:
    """Hold out about ``fraction`` of the views in ``mask``, at least one, spread over time; of 0, none.

    The measured views, in the order of time, are cut into runs of equal length, and one view is drawn from
    each: so that no gap in time is much longer than it must be, which two neighbours held out would leave.
    A frame may lose all of its views.

    Args:
        mask: bool (T, *views), the views that were measured.
        seed: the same for the same split, on any device.

    Raises ValueError unless 0 <= fraction <= 0.5, and where views are to be held out of fewer than two.
    """
    if not 0 <= fraction <= 0.5:
        raise ValueError(f"held_out_fraction must be between 0 and 0.5, got {fraction}")
    held = torch.zeros(mask.numel(), dtype=torch.bool)
    if fraction:
        measured = mask.flatten().cpu().nonzero()[:, 0]
        if len(measured) < 2:
            raise ValueError(f"views must be at least 2 to hold one out, got {len(measured)}")
        count = max(1, round(fraction * len(measured)))
        edges = torch.linspace(0, len(measured), count + 1, dtype=torch.float64)
        drawn = torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        held[measured[(edges[:-1] + drawn * edges.diff()).long()]] = True
    held = held.reshape(mask.shape).to(mask.device)
    return Views(mask & ~held, held)


def held_out_residual(operator: FrameOperator, y: Tensor, held: Tensor, series: Tensor) -> float:
    """||A f - y|| / ||y|| over the views in ``held`` alone; nan where they are none.

    Args:
        operator: of all measured views.  y: (T, *range).  series: f, (T, *frame_domain).

    Only frames that lost views are projected, one after the other.
    """
    withheld = operator.with_mask(held)
    misfit = norm = 0.0
    for frame in held.flatten(1).any(1).nonzero()[:, 0].tolist():
        here = slice(frame, frame + 1)
        wanted = withheld.masked(y[here], here)
        difference = withheld.forward_of(series[here], here) - wanted
        misfit += float(squared_norm(difference, y.ndim))
        norm += float(squared_norm(wanted, y.ndim))
    return relative_change(misfit**0.5, norm**0.5) if held.any() else math.nan
