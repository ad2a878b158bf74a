"""What is measured of a network in training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor


class Judged(NamedTuple):
    """One level of difficulty: means over what was judged there, relative to a peak of 1.

    level: a label, as ``0.02`` or ``20 frequencies, 30 dB``.  before, after: PSNR in dB of what the network
    was given and of what it made.  mse: the mean squared error of the latter.  ssim_before, ssim_after: of
    both, where it is measured.
    """

    level: str
    before: float
    after: float
    mse: float
    ssim_before: float | None = None
    ssim_after: float | None = None

    @property
    def gain(self) -> float:
        """dB."""
        return self.after - self.before


def judged(level: str, pairs: Sequence[tuple[Tensor, Tensor, Tensor]]) -> Judged:
    """Of (given, made, reference), of one shape each."""
    errors = [[_mse(image, reference) for image in (given, made)] for given, made, reference in pairs]
    before, after = ([-10 * math.log10(error) for error in column] for column in zip(*errors, strict=True))
    mse = sum(error for _, error in errors) / len(errors)
    return Judged(level, sum(before) / len(before), sum(after) / len(after), mse)


def mean_mse(rows: Sequence[Judged]) -> float:
    """Over all levels alike."""
    return sum(row.mse for row in rows) / len(rows)


def _mse(image: Tensor, reference: Tensor) -> float:
    return float((image - reference).square().mean())
