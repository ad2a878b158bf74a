"""A small series measured by a matrix per frame."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from proxflow.operators.frame_operator import FrameOperator

SHAPE = (6, 5)


class DenseFrames(FrameOperator):
    """A matrix per frame, of images ``SHAPE``; views are runs of its rows."""

    def __init__(self, matrices: Tensor, mask: Tensor) -> None:
        super().__init__(mask, SHAPE, (mask.shape[1], matrices.shape[-2] // mask.shape[1]))
        self.register_buffer("matrices", matrices)

    def spread(self, mask: Tensor) -> Tensor:
        return mask[..., None]

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames] @ x.flatten(1)[..., None])[..., 0].unflatten(-1, self.frame_range)

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames].mH @ y.flatten(1)[..., None])[..., 0].unflatten(-1, SHAPE)


@pytest.fixture
def frames(rng: torch.Generator) -> Callable[..., DenseFrames]:
    """(n_frames, views, rows of a view, complex_valued) -> an operator that lacks a few views."""

    def make(
        n_frames: int = 12, views: int = 3, rows: int = 4, *, complex_valued: bool = False, gaps: bool = True
    ) -> DenseFrames:
        dtype = torch.complex128 if complex_valued else torch.float64
        matrices = torch.randn(n_frames, views * rows, SHAPE[0] * SHAPE[1], dtype=dtype, generator=rng) / 9
        mask = torch.ones(n_frames, views, dtype=torch.bool)
        if gaps:
            mask[2, 1] = mask[5] = False
        return DenseFrames(matrices, mask)

    return make
