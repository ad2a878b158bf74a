"""One series as a method meets it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from proxflow.data.store.artefact import Artefact
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_sense import FrameSenseCartesian, FrameSenseRadial
from proxflow.tasks.modalities.base import Setting
from proxflow.tasks.stages.precision import COMPLEX


@dataclass(frozen=True)
class SeriesProblem:
    """Samples complex (frame, coil, spoke, readout) with a trajectory (frame, spoke, readout, 2), or
    (frame, coil, ky, kx) without; maps complex (coil, y, x); mask bool (frame, spoke) or (frame, ky, kx).

    norm: the largest ||A_t|| of a frame, or little more.
    """

    samples: Tensor
    trajectory: Tensor | None
    maps: Tensor
    mask: Tensor
    norm: float = 1.0

    @cached_property
    def operator(self) -> FrameOperator:
        """The forward model of the measurements in ``mask``; what it plans is shared with any other mask."""
        if self.trajectory is None:
            return FrameSenseCartesian(self.mask, self.maps)
        return FrameSenseRadial(self.trajectory, self.maps, self.mask)

    def posed(self, mask: Tensor) -> tuple[FrameOperator, Tensor]:
        operator = self.operator.with_mask(mask)
        return operator, operator.masked(self.samples)

    def count(self, mask: Tensor) -> int:
        each = self.samples.shape[1] * (1 if self.trajectory is None else self.samples.shape[-1])
        return int(mask.sum()) * each


def series_problem(
    prepared: Artefact, maps: np.ndarray, item: int, setting: Setting, norm: float = 1.0
) -> SeriesProblem:
    """One series with coil maps (coil, y, x), on the device."""
    dtype, device = COMPLEX[setting.precision], setting.device
    spokes = "trajectory" in prepared
    return SeriesProblem(
        samples=torch.from_numpy(prepared.rows("samples", item, item + 1)[0]).to(device, dtype),
        trajectory=torch.from_numpy(prepared.array("trajectory")) if spokes else None,
        maps=torch.from_numpy(maps).to(device, dtype),
        mask=torch.from_numpy(prepared.array("mask")).to(device),
        norm=norm,
    )
